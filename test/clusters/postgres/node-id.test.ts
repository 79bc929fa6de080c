import { expect, test } from 'vitest'
import { nodeId } from '../../../src/clusters/postgres/node-id.ts'

test.each([
  ['app1', 5934],
  ['app2', 54662],
  ['db1', 33511],
])('the number of %s never changes', (host, id) => expect(nodeId(host)).toBe(id))
