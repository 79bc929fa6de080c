import { apt, copy, directory, handler, sh, type Task, unit } from 'evenkeel'

export interface NodeService {
  /** Name of the service, its unit, and the account it runs as. */
  readonly name: string
  /** Its one source file, relative to the project. */
  readonly from: string
  readonly port: number
  /** Environment of the process. */
  readonly env?: Readonly<Record<string, string>>
}

/** Runs one JavaScript file as a systemd service. A new file restarts it. */
export function nodeService({ name, from, port, env = {} }: NodeService): readonly Task[] {
  const restart = handler(`restart ${name}`, sh`systemctl restart ${name}`, { restarts: name })
  return [
    apt({ packages: ['nodejs'] }),
    directory({ path: `/srv/${name}`, owner: 'root', group: name, mode: '0750' }),
    copy({ from, to: `/srv/${name}/server.js`, owner: 'root', group: name, mode: '0640' }, { notify: restart }),
    unit({
      name: `${name}.service`,
      from: 'hello/node.service.hbs',
      data: { name, env: Object.entries({ ...env, PORT: String(port) }).map(([key, value]) => `${key}=${value}`) },
      enabled: true,
      running: true,
    }),
  ]
}
