import { describe, expect, test } from 'vitest'
import type { Manifest, ManifestEntry } from '../../src/model/manifest.ts'
import type { Task } from '../../src/model/task.ts'
import { compileTasks, probesOf } from '../../src/plan/compile.ts'
import { decideAll } from '../../src/plan/decide.ts'
import { driftOf } from '../../src/plan/drift.ts'
import { manifestId, manifestText, nextManifest, readManifest } from '../../src/plan/manifest.ts'
import { leftHash, packagedProbe, removalTask } from '../../src/plan/prune.ts'
import { symlink } from '../../src/tasks/symlink.ts'
import { blankHost } from '../plans/blank-host.ts'

const scope = { project: 'shop', environment: 'prod', playbook: 'site' }
const by = (run: string) => ({ run, who: 'ann@desk', when: `2026-01-0${run}T00:00:00.000Z` })
const noSources = {
  template: () => expect.unreachable(),
  file: () => expect.unreachable(),
  archive: () => expect.unreachable(),
  folder: () => expect.unreachable(),
  local: () => expect.unreachable(),
}

/** A host on which every thing that is asked about is absent. */
function bare(tasks: readonly Task[]) {
  const compiled = compileTasks('app1', tasks, noSources)
  const pieces = blankHost(probesOf(compiled))
  return { decisions: decideAll(compiled, pieces), pieces }
}

const link = (path: string, target = '/srv') => symlink({ path, target })

const withLink = () => nextManifest(scope, undefined, [bare([link('/a')])], by('1'))
const linkEntry = () => withLink().entries[0] as ManifestEntry

describe('a manifest', () => {
  test('is read back as it was written', () => {
    const manifest = nextManifest(scope, undefined, [bare([link('/a'), link('/b')])], by('1'))
    expect(manifest.entries.map(({ key }) => key)).toEqual(['path:/a', 'path:/b'])
    expect(readManifest('app1', scope, manifestText(manifest))).toEqual(manifest)
    expect(readManifest('app1', scope, manifestText({ ...manifest, entries: [] })).entries).toEqual([])
  })

  test('keeps the run of what is the same, and what the run did not reach', () => {
    const first = nextManifest(scope, undefined, [bare([link('/a'), link('/b'), link('/c')])], by('1'))
    const next = nextManifest(scope, first, [bare([link('/a'), link('/b', '/opt')])], by('2'))
    expect(next.entries.map(({ key, run }) => [key, run])).toEqual([
      ['path:/a', '1'],
      ['path:/b', '2'],
      ['path:/c', '1'],
    ])
  })

  test('is bounded: the oldest entries of tasks that are gone are dropped first', () => {
    const [entry] = nextManifest(scope, undefined, [bare([link('/a')])], by('1')).entries
    if (!entry) return expect.unreachable()
    const gone = Array.from({ length: 5000 }, (_, at) => ({
      ...entry,
      key: `path:/gone/${at}`,
      when: `${2000 + at}`,
    }))
    const { entries } = nextManifest(scope, { format: 1, ...scope, entries: gone }, [bare([link('/a')])], by('2'))
    expect(entries).toHaveLength(5000)
    expect(entries.map(({ key }) => key)).not.toContain('path:/gone/0')
    expect(entries.map(({ key }) => key)).toContain('path:/gone/1')
    expect(entries.at(-1)?.key).toBe('path:/a')
  })

  test('another project, environment or playbook has another file', () => {
    const ids = [scope, { ...scope, project: 'x' }, { ...scope, environment: 'x' }, { ...scope, playbook: 'x' }]
    expect(new Set(ids.map(manifestId)).size).toBe(4)
  })

  test.each([
    ['{', /damaged/],
    ['null', /damaged/],
    ['{"format":1}', /damaged/],
    [manifestText({ format: 1, ...scope, project: 'other', entries: [] }), /damaged/],
    [manifestText({ format: 1, ...scope, entries: [{ key: 'k' }] } as unknown as Manifest), /damaged/],
    [manifestText({ ...withLink(), entries: [{ ...linkEntry(), removal: null as never }] }), /damaged/],
    [manifestText({ ...withLink(), entries: [{ ...linkEntry(), removal: { type: 'file' } as never }] }), /damaged/],
    [
      manifestText({
        ...withLink(),
        entries: [{ ...linkEntry(), removal: { type: 'file', left: '', want: { absent: true, path: 5 } } as never }],
      }),
      /damaged/,
    ],
    ['{"format":2}', /newer version/],
  ])('%j is refused with exit 4', (text, message) => {
    expect(() => readManifest('app1', scope, text)).toThrow(expect.objectContaining({ exit: 4, code: 'E_MANIFEST' }))
    expect(() => readManifest('app1', scope, text)).toThrow(message)
  })
})

describe('drift', () => {
  const now = bare([link('/a')])
  const applied = nextManifest(scope, undefined, [now], by('1'))
  const [entry] = applied.entries
  const told = (change: Partial<ManifestEntry>) => {
    const manifest = entry && { ...applied, entries: [{ ...entry, ...change }] }
    const [item] = driftOf({ host: 'app1', parts: [now], whole: true, manifest })
    return [item?.classes.join('+'), ...(item?.notes ?? [])]
  }
  const other = 'recorded by another check: what the host said then cannot be compared'

  test.each([
    [{ answer: 'x' }, ['drifted']],
    [{ want: 'x' }, ['pending']],
    [{ want: 'x', answer: 'x' }, ['drifted+pending']],
    [{}, ['pending']],
    [{ check: 'x', answer: 'x' }, ['drifted', other]],
    [{ check: 'x', want: 'x' }, ['pending', other]],
  ] as const)('a task that is not as wanted, whose entry differs in %j', (change, says) => {
    expect(told(change)).toEqual(says)
  })

  test('what is gone is an orphan only where all phases were compiled, and only what an exact task kept', () => {
    const gone = { host: 'app1', parts: [], manifest: applied }
    expect(driftOf({ ...gone, whole: true }).map(({ key, classes }) => [key, classes])).toEqual([
      ['path:/a', ['orphaned']],
    ])
    expect(driftOf({ ...gone, whole: false })).toEqual([])
    const command = { ...applied, entries: applied.entries.map((one) => ({ ...one, honesty: 'opaque' as const })) }
    expect(driftOf({ ...gone, manifest: command, whole: true })).toEqual([])
  })

  test('what was to be absent leaves nothing behind when its task is gone', () => {
    const manifest = nextManifest(scope, undefined, [bare([symlink({ path: '/a', absent: true })])], by('1'))
    expect(manifest.entries).toHaveLength(1)
    expect(driftOf({ host: 'app1', parts: [], manifest, whole: true })).toEqual([])
  })
})

describe('prune', () => {
  const entry = linkEntry()
  const { removal } = entry
  if (!removal) throw new Error('a link can be removed')
  const task = removalTask(entry)

  test('the entry of a link names the task that removes it, and what was left', () => {
    expect(removal).toEqual({ type: 'symlink', want: { path: '/a', absent: true }, left: leftHash(undefined) })
    expect(task && [task.type, task.want]).toEqual(['symlink', removal.want])
  })

  test.each<[string, Partial<ManifestEntry>]>([
    ['no removal', { removal: undefined as never }],
    ['an unknown type', { removal: { ...removal, type: 'command' } }],
    ['another thing', { removal: { ...removal, want: { path: '/b', absent: true } } }],
    ['a presence', { removal: { ...removal, want: { path: '/a', target: '/x' } as never } }],
    ['more than absence', { removal: { ...removal, want: { path: '/a', target: '/x', absent: true } } }],
    ['a path that is true', { removal: { ...removal, want: { path: true, absent: true } as never } }],
    ['a path that is none', { removal: { ...removal, want: { path: 'a', absent: true } } }],
  ])('nothing is made of an entry that names %s', (_name, change) => {
    expect(removalTask({ ...entry, ...change })).toBeUndefined()
  })

  test.each([
    ['/etc/a b', "'/etc/a b'"],
    ['/srv/[x]*?\\', "'/srv/\\[x\\]\\*\\?\\\\'"],
  ])('dpkg is asked for %s itself, not for a pattern', (path, asked) => {
    expect(packagedProbe(`path:${path}`).key).toContain(`dpkg-query -S -- ${asked}`)
  })

  test('pruned keys leave the manifest; what was asked in that phase enters nothing', () => {
    const part = { ...bare([symlink({ path: '/a', absent: true })]), pruned: ['path:/a'] }
    expect(nextManifest(scope, withLink(), [part], by('2')).entries).toEqual([])
  })
})
