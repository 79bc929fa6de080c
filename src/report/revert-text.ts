import type { HostRevert } from '../model/revert.ts'
import { safeLine } from './safe.ts'

/** What every command says of changes that no new login has confirmed; empty when there are none. Ends with a newline. */
export function revertText(reverts: readonly (readonly [host: string, revert: HostRevert])[]): string {
  return reverts.map(([host, { state, run }]) => `${host}: what run ${safeLine(run)} changed ${SAID[state]}\n`).join('')
}

const SAID: Readonly<Record<HostRevert['state'], string>> = {
  armed: 'is not confirmed by a new login yet: it is put back within a minute',
  reverting: 'is being put back, for no new login has confirmed it',
  reverted: 'was put back, for no new login had confirmed it',
  stuck: 'could not be put back as a whole: look at /var/lib/deploy/revert there',
}
