import { type Change, change } from '../model/change.ts'
import type { Probe, Probes } from '../model/probe.ts'
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
import { chainFunctions, FAMILIES, type Family, restoreChain, saveChain } from './firewall/chain.ts'
import { listingChanges, type Told } from './firewall/listing.ts'
import { inOwnNetwork, listingScript, type RulesNow, readRules } from './firewall/rules-answer.ts'
import { bytesContent, refusalStep, scriptLines, shellStep } from './steps.ts'
import { type FileWant, wholeFile } from './whole-file.ts'

/** A chain of the kernel from which the own one is jumped to. */
export type IptablesHook = 'INPUT' | 'FORWARD' | 'OUTPUT'

export interface Iptables {
  /** Names the chain, together with the hook: `deploy` is the chain `deploy-input`. */
  readonly name: string
  /** Rules for IPv4 and IPv6 in iptables' words without `-A CHAIN`, e.g. `-p tcp --dport 22 -j ACCEPT`. */
  readonly rules?: readonly string[]
  /** Rules for IPv4 only, after `rules`. */
  readonly rules4?: readonly string[]
  /** Rules for IPv6 only, after `rules`. */
  readonly rules6?: readonly string[]
  /** Which packets: to the host, through it, or from it. Default: `INPUT`. */
  readonly hook?: IptablesHook
  /** `true`: the chain, its jumps, files and unit shall not be there. Default: false. */
  readonly absent?: boolean
}

interface FamilyWant {
  readonly family: Family
  readonly file: FileWant
  /** What the file says. */
  readonly text: string
  /** The chain as a listing, in the author's words; empty when it shall not be there. */
  readonly listing: readonly string[]
}

interface IptablesWant {
  readonly name: string
  readonly hook: IptablesHook
  readonly chain: string
  readonly families: readonly FamilyWant[]
  readonly boot: BootUnit
  readonly absent?: true
}

interface IptablesNow {
  readonly files: Readonly<Record<Family, FileState | undefined>>
  readonly rules: RulesNow
  readonly unitFile: FileState | undefined
  readonly unit: UnitState | undefined
}

const FOLDER = '/etc/iptables'
const HOOKS: readonly unknown[] = ['INPUT', 'FORWARD', 'OUTPUT']

/**
 * Keeps a chain of its own in the table `filter` of IPv4 and IPv6, jumped to from INPUT: live, and in files that a unit
 * loads at boot. Chains and rules of others are left alone. The host tells what the rules mean, so that a rule which was
 * changed by hand is named; it judges all rules before anything is changed.
 *
 * @example
 * iptables({ name: 'web', rules: ['-i lo -j ACCEPT', '-p tcp -m multiport --dports 22,80,443 -j ACCEPT', '-p tcp --syn -j DROP'] })
 */
export const iptables = sourcedTaskType<Iptables, IptablesWant, Probes, IptablesNow>('iptables', {
  key: (want) => `iptables:${want.chain}`,
  label: (want) => want.chain,
  invalid,
  resolve,
  check,
  read: (values) => ({
    files: { v4: values['v4 file'] as FileState | undefined, v6: values['v6 file'] as FileState | undefined },
    rules: readRules('iptables', values.live as ScriptResult | undefined, values.wanted as ScriptResult | undefined),
    unitFile: values['unit file'] as FileState | undefined,
    unit: values.unit as UnitState | undefined,
  }),
  apply,
  detail: (_want, now): Detail => (now.rules.wrong === undefined ? {} : { refuse: now.rules.wrong }),
  removal: ({ name, hook, chain }) => ({ type: 'iptables', want: { name, hook, absent: true }, proof: live(chain) }),
  revert: ({ chain, boot }) => ({
    save: scriptLines(saveChain(chain), saveBootUnit(boot.unit)),
    restore: sh`c=0
( ${restoreChain(chain)}
) || c=$?
( ${restoreBootUnit(boot.unit)}
) && exit "$c"`,
  }),
})

function invalid({ name, rules, rules4, rules6, hook, absent }: Iptables): string | undefined {
  if (typeof name !== 'string' || !/^[A-Za-z][A-Za-z0-9_-]{0,19}$/.test(name))
    return `name must be letters, digits, _ and -, at most 20, not ${JSON.stringify(name)}`
  if (hook !== undefined && !HOOKS.includes(hook))
    return `hook must be INPUT, FORWARD or OUTPUT, not ${JSON.stringify(hook)}`
  const lists = [rules, rules4, rules6].filter((list) => list !== undefined)
  if (absent) return lists.length === 0 ? undefined : 'absent: true goes with name and hook alone'
  if (!lists.every(Array.isArray) || lists.flat().length === 0) return 'rules must name at least one rule'
  const bad = lists.flat().find((rule) => typeof rule !== 'string' || !/^[-!][^\n\r\0]+$/.test(rule))
  if (bad !== undefined) return `a rule must be one line that starts with an option, not ${JSON.stringify(bad)}`
  const whole = lists
    .flat()
    .find((rule) => /^-([ADINPFXZRE]|-[a-z]+-chain|-append|-insert|-delete|-flush)( |$)/.test(rule))
  return whole && `a rule is written without -A CHAIN: ${JSON.stringify(whole)}`
}

function resolve({ name, rules = [], rules4 = [], rules6 = [], hook = 'INPUT', absent }: Iptables): IptablesWant {
  const chain = `${name}-${hook.toLowerCase()}`
  const unitName = `iptables-${chain}.service`
  const own = { v4: rules4, v6: rules6 }
  const families = (['v4', 'v6'] as const).map((family): FamilyWant => {
    const path = `${FOLDER}/${chain}.${family}`
    if (absent) return { family, file: { path, absent: true }, text: '', listing: [] }
    const lines = [...rules, ...own[family]].map((rule) => `-A ${chain} ${rule}`)
    const jump = `-A ${hook} -j ${chain}`
    const text = ['# Managed by evenkeel.', '*filter', `:${chain} - [0:0]`, ...lines, jump, 'COMMIT', ''].join('\n')
    const want = { path, content: bytesContent(text), owner: 'root', group: 'root', mode: '0644' }
    return { family, file: want, text, listing: [`-N ${chain}`, jump, ...lines] }
  })
  const commands = families.map(({ family, file: { path } }) => bootCommand(FAMILIES[family], hook, chain, path))
  const boot = absent ? noBootUnit(unitName) : bootUnit(unitName, commands)
  return { name, hook, chain, families, boot, ...(absent && { absent: true }) }
}

/** Loads a file in one transaction; without its jump, where that is there already. No word of it needs quoting. */
function bootCommand(program: string, hook: string, chain: string, path: string): string {
  const there = `if ${program} -w 10 -C ${hook} -j ${chain} 2>/dev/null`
  return `/bin/sh -c '${there}; then sed "/^-A ${hook} /d" ${path}; else cat ${path}; fi | ${program}-restore -w 10 --noflush'`
}

function check(want: IptablesWant): Probes {
  const files = want.families.map(({ family, file: { path } }) => [`${family} file`, file(path)] as const)
  return {
    ...Object.fromEntries(files),
    live: live(want.chain),
    ...(!want.absent && { wanted: wanted(want) }),
    'unit file': file(want.boot.file.path),
    unit: unit(want.boot.unit),
  }
}

function live(chain: string): Probe<ScriptResult> {
  return ofBoth(chain, (family) => sh`chain_rules ${FAMILIES[family]}`)
}

function wanted({ chain, families }: IptablesWant): Probe<ScriptResult> {
  return ofBoth(chain, (family) => {
    const program = FAMILIES[family]
    const load = sh`${chainFunctions(chain)}
${program}-restore -w 10 && chain_rules ${program}`
    return inOwnNetwork(families.find((each) => each.family === family)?.text ?? '', load)
  })
}

/** The listings of both families, each line with its family before it. */
function ofBoth(chain: string, list: (family: Family) => Shell): Probe<ScriptResult> {
  const both = sh`${chainFunctions(chain)}
v4=$(${list('v4')}) && v6=$(${list('v6')}) || return
{ printf '%s\\n' "$v4" | sed 's/^/v4 /'; printf '%s\\n' "$v6" | sed 's/^/v6 /'; } | grep ' -' || :`
  return script(listingScript('iptables-restore', both))
}

function ofFamily(family: Family, lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => (line.startsWith(`${family} `) ? [line.slice(family.length + 1)] : []))
}

function apply(want: IptablesWant, now: IptablesNow): readonly (readonly Change[])[] {
  const { rules } = now
  if (rules.wrong !== undefined) return [change('rules', null, 'as written', refusalStep(rules.wrong))]
  const judged = want.absent ? [] : [shellStep(judge(want))]
  const files = want.families.map(({ family, file: wanted }) =>
    prefixed(`${family} file`, wholeFile.apply(wanted, now.files[family]).flat()).map((each) => ({
      ...each,
      steps: [...judged, ...(want.absent ? [] : [FOLDER_STEP]), ...each.steps],
    })),
  )
  const chains = want.families.map(({ family, listing }) => {
    const load = shellStep(sh`( ${chainFunctions(want.chain)}
chain_becomes ${FAMILIES[family]} ${listing.join('\n')}
)`)
    // Without iptables nobody knows yet how it will tell the rules.
    const asked = rules.wanted ? ofFamily(family, rules.wanted) : listing
    return listingChanges(ofFamily(family, rules.live), asked, tell(family, want.chain), [...judged, load])
  })
  const boot = bootUnitChanges(want.boot, now.unitFile, now.unit)
  return want.absent ? [...chains, boot, ...files] : [...files, boot, ...chains]
}

const FOLDER_STEP = shellStep(sh`[ -d ${FOLDER} ] || install -d -m 0755 -- ${FOLDER}`)

/** Both families are judged before anything of either is changed. */
function judge({ families }: IptablesWant): Shell {
  return scriptLines(
    sh`command -v iptables-restore >/dev/null || { echo 'iptables is not there: install the package iptables first'; exit 1; }`,
    ...families.map(
      ({ family, text }) => sh`printf %s ${text} | ${`${FAMILIES[family]}-restore`} -w 10 --noflush --test`,
    ),
  )
}

function tell(family: Family, chain: string): (line: string) => Told {
  return (line) => {
    if (line.startsWith(`-A ${chain} `)) return [`${family} rule`, line.slice(`-A ${chain} `.length)]
    return line.startsWith('-A ') ? [`${family} jump`, line.slice('-A '.length)] : [`${family} chain`, chain]
  }
}
