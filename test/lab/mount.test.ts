import { expect, test } from 'vitest'
import { mountsBelow } from '../../src/lab/mount.ts'

const line = (point: string) => `36 35 0:32 / ${point} rw,relatime shared:1 - overlay overlay rw`

test('finds mounts at and below a folder, the deepest first, and none beside it', () => {
  const table = ['/', '/srv/a', '/srv/a/root', '/srv/ab', '/srv'].map(line).join('\n')
  expect(mountsBelow('/srv/a', table)).toEqual(['/srv/a/root', '/srv/a'])
})

test('reads names with blanks and other letters', () => {
  expect(mountsBelow('/srv/my project', line('/srv/my\\040project/café'))).toEqual(['/srv/my project/café'])
})
