// Twenty small resources, for many hosts at once. The floor reads the same constants.

export const directories = ['/srv/fan', '/srv/fan/conf', '/srv/fan/data'].map((path) => ({
  path,
  owner: 'root',
  mode: '0755',
}))

export const copies = Array.from({ length: 16 }, (_, at) => ({
  from: `small${at + 1}`,
  to: `/srv/fan/conf/small${at + 1}`,
  owner: 'root',
  mode: '0644',
}))

export const contentOf = (name: string) => `# ${name}\n${`setting = ${name}\n`.repeat(20)}`

export const link = { path: '/srv/fan/current', target: 'conf' }
