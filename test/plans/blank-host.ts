import { probeId, type Probe } from '../../src/model/probe.ts'
import type { Pieces } from '../../src/shell/probe-script.ts'
import { toPiece } from '../../src/shell/readers/records.ts'

/** What a bare Debian host says to each kind of question: nothing is there. */
const BLANK: Readonly<Record<string, unknown>> = {
  file: { error: 'find: : No such file or directory' },
  stat: { error: 'find: : No such file or directory' },
  pkg: { error: 'dpkg-query: no packages found matching it' },
  unit: { block: 'LoadState=not-found\nActiveState=inactive\nUnitFileState=\nNeedDaemonReload=no' },
  user: { line: '' },
  group: { line: '' },
  memberships: { line: '', error: "id: 'it': no such user" },
  script: Buffer.from('\n1').toString('base64'),
}

/** The answers of a bare host, but for those given by probe id. */
export function blankHost(probes: readonly Probe[], but: Pieces = new Map()): Pieces {
  return new Map(
    probes.map((probe) => {
      const known = but.get(probeId(probe))
      if (known) return [probeId(probe), known]
      if (!(probe.reader.kind in BLANK)) throw new Error(`what does a bare host say to a probe of kind ${probe.reader.kind}?`)
      return [probeId(probe), toPiece(BLANK[probe.reader.kind])]
    }),
  )
}
