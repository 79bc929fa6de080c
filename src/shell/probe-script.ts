import { type Probe, probeId, type Reader } from '../model/probe.ts'
import type { Mark } from './frames.ts'

/** The raw answers of a host, by probe id: the part of each reader's output that belongs to the probe's key. */
export type Pieces = ReadonlyMap<string, Buffer>

/** Shell functions that a script needs before it can ask these probes. */
export function defineReaders(probes: readonly Probe[]): string {
  return [...new Set(probes.map((probe) => probe.reader.define))].join('\n')
}

/** Shell that asks all probes, one call per kind of reader, each behind a mark `read KIND`. Needs `say`. */
export function askProbes(probes: readonly Probe[]): string {
  return byReader(probes)
    .map(({ reader, keys }) => `say read ${reader.kind}\n${reader.call(keys)}`)
    .join('')
}

/** Shell whose output is the very bytes that `answerBytes` gives for the same probes, when the answers are the same. */
export function printAnswers(probes: readonly Probe[]): string {
  return byReader(probes)
    .map(({ reader, keys }) => reader.call(keys))
    .join('')
}

/** What `printAnswers` prints on a host that gave these pieces. */
export function answerBytes(probes: readonly Probe[], pieces: Pieces): Buffer {
  const parts = byReader(probes).map(({ reader, keys }) =>
    reader.join(keys.map((key) => pieces.get(probeId({ reader, key })) ?? Buffer.alloc(0))),
  )
  return Buffer.concat(parts)
}

/** Takes the answers out of the marks that `askProbes` made. */
export function readPieces(marks: readonly Mark[], probes: readonly Probe[]): Map<string, Buffer> {
  const outputs = new Map<string, Buffer>()
  marks.forEach((mark, index) => {
    const [word, kind = ''] = mark.words
    const next = marks[index + 1]
    if (word === 'read' && next) outputs.set(kind, next.before)
  })
  const pieces = new Map<string, Buffer>()
  for (const { reader, keys } of byReader(probes)) {
    const output = outputs.get(reader.kind) ?? Buffer.alloc(0)
    reader.split(output, keys).forEach((piece, index) => {
      pieces.set(probeId({ reader, key: keys[index] ?? '' }), piece)
    })
  }
  return pieces
}

/** Probes grouped by reader, in the order first met, each key once. */
function byReader(probes: readonly Probe[]): readonly { readonly reader: Reader; readonly keys: readonly string[] }[] {
  const groups = Map.groupBy(probes, (probe) => probe.reader)
  return [...groups].map(([reader, group]) => ({ reader, keys: [...new Set(group.map((probe) => probe.key))] }))
}
