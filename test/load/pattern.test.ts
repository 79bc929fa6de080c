import fc from 'fast-check'
import { expect, test } from 'vitest'
import { matchPattern } from '../../src/load/pattern.ts'
import type { Inventory } from '../../src/model/inventory.ts'
import { told } from './project-folder.ts'

const groups: Record<string, readonly string[]> = {
  app: ['app1', 'app2', 'both'],
  db: ['both', 'db1'],
  lb: ['lb1'],
  spare: [],
}
const names = ['app1', 'app2', 'both', 'db1', 'lb1', 'loose']
const inventory: Inventory = {
  environment: 'prod',
  file: 'inventories/prod.yaml',
  groups,
  hosts: names.map((name) => ({
    name,
    groups: Object.keys(groups).filter((group) => groups[group]!.includes(name)),
    vars: {},
    connection: { address: name, become: 'sudo', transport: 'openssh' },
  })),
}

test.each([
  ['all', names],
  ['app', ['app1', 'app2', 'both']],
  ['app1', ['app1']],
  ['lb1,app1', ['app1', 'lb1']],
  ['lb:db1', ['db1', 'lb1']],
  ['app, db', ['app1', 'app2', 'both', 'db1']],
  ['app:&db', ['both']],
  ['&db:app', ['both']],
  ['all:!lb', ['app1', 'app2', 'both', 'db1', 'loose']],
  ['!app', ['db1', 'lb1', 'loose']],
  ['app*', ['app1', 'app2', 'both']],
  ['app?', ['app1', 'app2']],
  ['?b', ['both', 'db1', 'lb1']],
  ['*:!app:!db', ['lb1', 'loose']],
  ['app:&db*:!db1', ['both']],
])('%s', (pattern, hosts) => {
  expect(matchPattern(inventory, pattern)).toEqual(hosts)
})

test.each([
  [
    'ap',
    'inventories/prod.yaml: pattern "ap": group or host "ap" is not known (groups and hosts: app, all, db, lb, app1, app2, db1, lb1 and 3 more) (did you mean app?)',
  ],
  [
    'all:!lb2',
    'inventories/prod.yaml: pattern "all:!lb2": group or host "lb2" is not known (groups and hosts: lb, lb1, db, db1, all, app, app2, app1 and 3 more) (did you mean lb?)',
  ],
  ['web*', 'pattern "web*" matches no host of inventories/prod.yaml'],
  ['app:&lb', 'pattern "app:&lb" matches no host of inventories/prod.yaml'],
  ['spare', 'pattern "spare" matches no host of inventories/prod.yaml'],
  ['', 'pattern "" has an empty part (app   app1,app2   app:&db   all:!lb   app*)'],
  ['app:', 'pattern "app:" has an empty part (app   app1,app2   app:&db   all:!lb   app*)'],
  ['app:!', 'pattern "app:!" has an empty part (app   app1,app2   app:&db   all:!lb   app*)'],
  [
    '__proto__',
    'inventories/prod.yaml: pattern "__proto__": group or host "__proto__" is not known (groups and hosts: both, loose, app, spare, app1, app2, all, db and 3 more)',
  ],
])('%s is refused', async (pattern, says) => {
  expect(await told(() => matchPattern(inventory, pattern))).toEqual([says])
})

const name = fc.constantFrom(...names, 'app', 'db', 'lb', 'all', 'app*', 'db?')
const term = fc.tuple(fc.constantFrom('', '&', '!'), name).map(([mark, text]) => mark + text)

test('any pattern gives known hosts once, in the order of the inventory, whatever the order of its terms', () => {
  fc.assert(
    fc.property(fc.array(term, { minLength: 1, maxLength: 6 }), (terms) => {
      const hosts = matched(terms.join(':'))
      expect(hosts).toEqual(names.filter((known) => hosts.includes(known)))
      expect(matched(terms.toReversed().join(','))).toEqual(hosts)
      for (const excluded of terms.filter((text) => text.startsWith('!'))) {
        expect(hosts.filter((host) => matched(excluded.slice(1)).includes(host))).toEqual([])
      }
    }),
  )
})

function matched(pattern: string): readonly string[] {
  try {
    return matchPattern(inventory, pattern)
  } catch (error) {
    expect(error).toMatchObject({ code: 'E_NO_MATCH' })
    return []
  }
}
