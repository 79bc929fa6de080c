import { expect, test } from 'vitest'
import { firstHeld } from '../../src/model/held-phases.ts'

test.each<[string, readonly string[], readonly string[], number]>([
  ['nothing is refused', ['base', 'main, prepare', 'main', 'app'], [], Number.POSITIVE_INFINITY],
  ['from the preparation of its nodes on', ['base', 'main, prepare', 'main', 'app'], ['main'], 1],
  ['from the cluster itself, where nothing prepares it', ['base', 'main'], ['main'], 1],
  ['the first one of two', ['a, prepare', 'a', 'b, prepare', 'b'], ['b', 'a'], 0],
  ['another cluster before it goes on', ['a, prepare', 'a', 'b, prepare', 'b'], ['b'], 2],
])('what a refused cluster holds back: %s', (_, names, refused, place) => {
  expect(firstHeld(names.map((name) => ({ name, refused: refused.includes(name) })))).toBe(place)
})
