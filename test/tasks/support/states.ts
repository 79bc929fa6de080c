import { createHash } from 'node:crypto'
import type { FileState } from '../../../src/shell/readers/file.ts'
import type { UnitState } from '../../../src/shell/readers/unit.ts'

/** A file as the probes give it: root's, mode 0644, with this content. */
export function fileState(content: string | Buffer, more: Partial<FileState> = {}): FileState {
  const bytes = Buffer.from(content)
  return {
    ...base,
    kind: 'file',
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    ...more,
  }
}

export function directoryState(more: Partial<FileState> = {}): FileState {
  return { ...base, kind: 'directory', mode: '0755', ...more }
}

export function linkState(target: string): FileState {
  return { ...base, kind: 'symlink', mode: '0777', target, size: target.length }
}

export const socketState: FileState = {
  owner: 'root',
  group: 'root',
  uid: 0,
  gid: 0,
  mode: '0755',
  size: 0,
  target: undefined,
  sha256: undefined,
  kind: 'other',
}

export function unitState(active: string, file: string, stale = false): UnitState {
  return { active, file, stale }
}

const base: Omit<FileState, 'kind'> = {
  owner: 'root',
  group: 'root',
  uid: 0,
  gid: 0,
  mode: '0644',
  size: 0,
  target: undefined,
  sha256: undefined,
}
