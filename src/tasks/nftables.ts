import { type Change, change } from '../model/change.ts'
import type { Probe, Values } from '../model/probe.ts'
import type { Shell } from '../model/shell.ts'
import { type Detail, sourcedTaskType } from '../model/task.ts'
import { type FileState, file } from '../shell/readers/file.ts'
import { type ScriptResult, script } from '../shell/readers/script.ts'
import { type UnitState, unit } from '../shell/readers/unit.ts'
import { sh } from '../shell/sh.ts'
import {
  type BootUnit,
  bootUnit,
  bootUnitChanges,
  noBootUnit,
  prefixed,
  restoreBootUnit,
  saveBootUnit,
} from './firewall/boot-unit.ts'
import { listingChanges } from './firewall/listing.ts'
import { inOwnNetwork, listingScript, type RulesNow, readRules } from './firewall/rules-answer.ts'
import { tableLines } from './firewall/table-lines.ts'
import { bytesContent, refusalStep, scriptLines, shellStep } from './steps.ts'
import { type FileWant, wholeFile } from './whole-file.ts'

export interface Nftables {
  /** The table's name: `table inet NAME`. */
  readonly name: string
  /** What stands between the braces of the table, in nft's language: chains, sets, maps. Omitted only with `absent`. */
  readonly rules?: string
  /** `true`: the table, its file and unit shall not be there. Default: false. */
  readonly absent?: boolean
}

interface NftablesWant {
  readonly name: string
  readonly rules: string
  readonly file: FileWant
  readonly boot: BootUnit
  readonly absent?: true
}

interface NftablesNow {
  readonly file: FileState | undefined
  readonly rules: RulesNow
  readonly unitFile: FileState | undefined
  readonly unit: UnitState | undefined
}

type NftablesProbes = {
  readonly file: Probe<FileState>
  readonly live: Probe<ScriptResult>
  readonly wanted?: Probe<ScriptResult>
  readonly unitFile: Probe<FileState>
  readonly unit: Probe<UnitState>
}

const FOLDER = '/etc/nftables.d'

/** nft judges the candidate by the host as it is, all of it or nothing. */
const JUDGE = sh`command -v nft >/dev/null || { echo 'nft is not there: install the package nftables first'; exit 1; }
nft -c -f "$1"`.shell

/**
 * Keeps a table of its own, `table inet NAME`: live, and in a file that a unit loads at boot. Tables of others are left
 * alone. The host tells what the rules mean, so that a rule which was changed by hand is named; `nft` judges them before
 * anything is changed, and takes them in one transaction.
 *
 * @example
 * nftables({ name: 'web', rules: 'chain input { type filter hook input priority filter; policy drop; tcp dport 22 accept; }' })
 */
export const nftables = sourcedTaskType<Nftables, NftablesWant, NftablesProbes, NftablesNow>('nftables', {
  key: (want) => `nftables:${want.name}`,
  label: (want) => want.name,
  invalid,
  resolve,
  check: (want): NftablesProbes => ({
    file: file(want.file.path),
    live: live(want.name),
    ...(!want.absent && { wanted: wanted(want) }),
    unitFile: file(want.boot.file.path),
    unit: unit(want.boot.unit),
  }),
  read: (values: Values<NftablesProbes>) => ({
    file: values.file,
    rules: readRules('nft', values.live, values.wanted),
    unitFile: values.unitFile,
    unit: values.unit,
  }),
  apply,
  detail: (_want, now): Detail => (now.rules.wrong === undefined ? {} : { refuse: now.rules.wrong }),
  removal: ({ name }) => ({ type: 'nftables', want: { name, absent: true }, proof: live(name) }),
  revert: ({ name, boot }) => ({
    save: scriptLines(save(name), saveBootUnit(boot.unit)),
    restore: sh`c=0
( ${restore(name)}
) || c=$?
( ${restoreBootUnit(boot.unit)}
) && exit "$c"`,
  }),
})

function invalid({ name, rules, absent }: Nftables): string | undefined {
  if (typeof name !== 'string' || !/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name))
    return `name must be letters, digits, _ and -, at most 64, not ${JSON.stringify(name)}`
  if (absent) return rules === undefined ? undefined : 'absent: true goes with name alone'
  if (typeof rules !== 'string' || rules.trim() === '')
    return 'rules must be what stands between the braces of the table'
  if (/[\r\0]/.test(rules)) return 'rules must be lines of text'
  return staysInside(rules)
    ? undefined
    : 'the braces in rules do not match: what is written there must stay in its table'
}

/** Whether a text leaves the braces around it to be what they are; those in texts and comments do not count. */
function staysInside(rules: string): boolean {
  let depth = 0
  for (const sign of rules.replace(/"[^"\n]*"|#[^\n]*/g, '')) {
    if (sign === '{') depth += 1
    if (sign === '}') depth -= 1
    if (depth < 0) return false
  }
  return depth === 0
}

function resolve({ name, rules = '', absent }: Nftables): NftablesWant {
  const path = `${FOLDER}/${name}.nft`
  const unitName = `nftables-${name}.service`
  if (absent) return { name, rules, file: { path, absent: true }, boot: noBootUnit(unitName), absent: true }
  const text = `# Managed by evenkeel.\n${replacing(name)}\ntable inet ${name} {\n${rules}\n}\n`
  const want = { path, content: bytesContent(text), owner: 'root', group: 'root', mode: '0644', validate: JUDGE }
  return { name, rules, file: want, boot: bootUnit(unitName, [`/usr/sbin/nft -f ${path}`]) }
}

/** Takes the table away, whether or not it is there, within the transaction that brings it back. */
function replacing(name: string): string {
  return `table inet ${name}\ndelete table inet ${name}`
}

function live(name: string): Probe<ScriptResult> {
  return script(listingScript('nft', listIfThere(name)))
}

function wanted({ name, rules }: NftablesWant): Probe<ScriptResult> {
  const load = inOwnNetwork(`table inet ${name} {\n${rules}\n}\n`, sh`nft -f - && ${list(name)}`)
  return script(listingScript('nft', load))
}

/** Counters and the like are no part of it. */
function list(name: string): Shell {
  return sh`nft -s list table inet ${name}`
}

function listIfThere(name: string): Shell {
  return sh`t=$(nft list tables inet) || return
! printf '%s\\n' "$t" | grep -qxF -- ${`table inet ${name}`} || ${list(name)}`
}

function apply(want: NftablesWant, now: NftablesNow): readonly (readonly Change[])[] {
  if (now.rules.wrong !== undefined) return [change('rules', null, 'as written', refusalStep(now.rules.wrong))]
  const { live: loaded, wanted: asked } = now.rules
  const boot = bootUnitChanges(want.boot, now.unitFile, now.unit)
  const folder = shellStep(sh`[ -d ${FOLDER} ] || install -d -m 0755 -- ${FOLDER}`)
  const changes = prefixed('file', wholeFile.apply(want.file, now.file).flat())
  if (want.absent) {
    const remove = shellStep(sh`nft delete table inet ${want.name}`)
    return [listingChanges(tableLines(loaded), [], tell, [remove]), boot, changes]
  }
  const put = changes.map((each) => ({ ...each, steps: [folder, ...each.steps] }))
  const load = shellStep(sh`nft -f ${want.file.path}`)
  // Without nft nobody knows yet how it will list the rules.
  const rules = asked
    ? listingChanges(tableLines(loaded), tableLines(asked), tell, [load])
    : [{ field: 'rules', from: null, to: 'as written', steps: [load] }]
  return [put, boot, rules]
}

function tell(line: string): readonly [string, string] {
  return ['rule', line]
}

function save(name: string): Shell {
  return sh`! command -v nft >/dev/null || { live() { ${listIfThere(name)}
}; live >table || exit; }`
}

/** A table that was not there is taken away explicitly: a listing of nothing, loaded, changes nothing. */
function restore(name: string): Shell {
  return sh`command -v nft >/dev/null || exit 0
live() { ${listIfThere(name)}
}
k=; [ ! -e table ] || k=$(cat table) || exit
{ printf '%s\\n' ${replacing(name)}; printf '%s\\n' "$k"; } | nft -f - || exit
n=$(live) && [ "$n" = "$k" ] || { echo ${`table inet ${name} is not what it was`}; exit 1; }`
}
