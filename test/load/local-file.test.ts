import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { localFile } from '../../src/load/local-file.ts'
import { sha256 } from '../../src/model/json.ts'
import { projectFolder } from './project-folder.ts'

describe('a local file', () => {
  test.each(['../a', 'a/../../b', '/etc/passwd', 'a//b', 'a/./b', '', 'a\0b', 'a/'])(
    '%j is refused at once',
    (path) => {
      expect(() => localFile('/nowhere', path)).toThrow(expect.objectContaining({ code: 'E_BAD_PATH' }))
    },
  )

  test('is written whole, closed to others, and read back', () => {
    const root = projectFolder({})
    const file = localFile(root, 'fetched/app1/etc/key')
    expect(file.now()).toBeUndefined()
    const bytes = Buffer.from([0, 10, 255, 13])
    file.write(bytes)
    expect(file.now()).toEqual({ size: 4, sha256: sha256(bytes) })
    expect(readFileSync(join(root, 'fetched/app1/etc/key'))).toEqual(bytes)
    expect(statSync(join(root, 'fetched/app1/etc/key')).mode & 0o777).toBe(0o600)
  })

  test('links on the way, in its place, and folders and files in the wrong place are refused, and nothing is written', () => {
    const root = projectFolder({})
    const outside = projectFolder({})
    mkdirSync(join(root, 'to', 'folder'), { recursive: true })
    writeFileSync(join(outside, 'secret'), 'theirs')
    symlinkSync(outside, join(root, 'to', 'link'))
    symlinkSync(join(outside, 'secret'), join(root, 'to', 'secret'))
    writeFileSync(join(root, 'to', 'plain'), '')
    const says = (path: string) => {
      const file = localFile(root, path)
      expect(() => file.now()).toThrow(/cannot be written here/)
      let message = ''
      try {
        file.write(Buffer.from('ours'))
      } catch (error) {
        message = (error as Error).message
      }
      return message.replace(/^.*here: /, '')
    }
    expect(says('to/link/x')).toBe('to/link is a link, which is not followed')
    expect(says('to/secret')).toBe('to/secret is a link, which is not followed')
    expect(says('to/folder')).toBe('to/folder is no file')
    expect(says('to/plain/x')).toBe('to/plain is no folder')
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('theirs')
  })
})
