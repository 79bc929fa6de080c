import { describe } from 'vitest'
import { type Fetch, fetch } from '../../src/tasks/fetch.ts'
import { cases, refuses } from './support/cases.ts'
import { directoryState, fileState, linkState } from './support/states.ts'

const want = { from: '/etc/key.pub' }
const project = { 'fetched/app1/etc/key.pub': 'old' }
const bring = 'head -c 10485760 -- /etc/key.pub'
const kept = { notes: ['kept here as fetched/app1/etc/key.pub'] }

describe('fetch', () => {
  cases(fetch, [
    { name: 'is as on the host', want, project, answers: { file: fileState('old') }, changes: [], detail: kept },
    {
      name: 'is new here',
      want,
      answers: { file: fileState('new') },
      changes: [`content null → 3 bytes (11507a0e): ${bring}`],
      detail: kept,
    },
    {
      name: 'is another one here; the hash of what others may not read is not shown',
      want,
      project,
      answers: { file: fileState('new!', { mode: '0600' }) },
      changes: [`content 3 bytes → 4 bytes: ${bring}`],
      detail: kept,
    },
    {
      name: 'is not on the host yet',
      want,
      answers: {},
      changes: [`content null → what will be there: ${bring}`],
      detail: { notes: [...kept.notes, '/etc/key.pub is not there now: a task of this run must bring it'] },
    },
    {
      name: 'is a folder',
      want,
      project,
      answers: { file: directoryState() },
      changes: [
        "content 3 bytes (cba06b57) → null: echo '/etc/key.pub is no regular file: it is not fetched' >&2; exit 1",
      ],
      detail: { refuse: '/etc/key.pub is no regular file: it is not fetched' },
    },
    {
      name: 'is a link',
      want,
      answers: { file: linkState('/etc/shadow') },
      changes: ["content null → null: echo '/etc/key.pub is no regular file: it is not fetched' >&2; exit 1"],
    },
    {
      name: 'is too large',
      want,
      answers: { file: { ...fileState('new'), size: 11 << 20 } },
      changes: [
        "content null → null: echo '/etc/key.pub has 11534336 bytes: more than 10 MiB are not fetched' >&2; exit 1",
      ],
    },
  ])

  refuses<Fetch>(fetch, [
    ['a relative path', { from: 'etc/key.pub' }, 'path must be absolute'],
    ['a path that leaves its folder', { from: '/etc/../key.pub' }, 'path must be'],
    ['no folder', { from: '/a', to: '' }, 'to must be a folder of the project'],
  ])
})
