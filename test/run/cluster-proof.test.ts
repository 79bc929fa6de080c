import { expect, test } from 'vitest'
import type { Cluster, ClusterGoal } from '../../src/model/cluster.ts'
import { provenWords } from '../../src/run/cluster-proof.ts'

const cluster = { nodes: ['app1', 'app2', 'app3'] } as unknown as Cluster

test.each<[string, readonly string[], ClusterGoal | undefined, string]>([
  ['all were asked', [], undefined, 'a client of every node can write, and every node has it'],
  [
    'one is lost',
    ['app3'],
    undefined,
    'a client of 2 of 3 nodes can write, and app1, app2 have it; nothing is known of app3, which could not be reached',
  ],
  [
    'two are lost',
    ['app2', 'app3'],
    undefined,
    'a client of 1 of 3 nodes can write, and app1 has it; nothing is known of app2, app3, which could not be reached',
  ],
  ['the lost one has left', ['app3'], { remove: 'app3' }, 'a client of every node can write, and every node has it'],
  [
    'one has left, another is lost',
    ['app2'],
    { remove: 'app3' },
    'a client of 1 of 2 nodes can write, and app1 has it; nothing is known of app2, which could not be reached',
  ],
])('a proof says of whom it is: %s', (_, lost, goal, words) => {
  expect(provenWords(cluster, lost, goal)).toBe(words)
})
