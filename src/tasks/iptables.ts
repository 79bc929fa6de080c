import { type Change, change } from '../model/change.ts'
import type { Probe, Probes } from '../model/probe.ts'
import type { Shell } from '../model/shell.ts'
import { type Detail, type Removal, sourcedTaskType } from '../model/task.ts'
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
import { type RulesNow, readRules, rulesScript } from './firewall/rules-answer.ts'
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
  readonly rules: Readonly<Record<Family, RulesNow>>
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
    rules: { v4: readFamily('v4', values), v6: readFamily('v6', values) },
    unitFile: values['unit file'] as FileState | undefined,
    unit: values.unit as UnitState | undefined,
  }),
  apply,
  detail: (_want, now): Detail => {
    const wrong = now.rules.v4.wrong ?? now.rules.v6.wrong
    return wrong === undefined ? {} : { refuse: wrong }
  },
  removal,
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
  const paths = { v4: `${FOLDER}/${chain}.v4`, v6: `${FOLDER}/${chain}.v6` }
  const commands = (['v4', 'v6'] as const).map((family) => bootCommand(FAMILIES[family], hook, chain, paths[family]))
  const boot = absent ? noBootUnit(unitName) : bootUnit(unitName, commands)
  return { name, hook, chain, families, boot, ...(absent && { absent: true }) }
}

/** Loads a file in one transaction; without its jump, where that is there already. No word of it needs quoting. */
function bootCommand(program: string, hook: string, chain: string, path: string): string {
  const there = `if ${program} -w 10 -C ${hook} -j ${chain} 2>/dev/null`
  return `/bin/sh -c '${there}; then sed "/^-A ${hook} /d" ${path}; else cat ${path}; fi | ${program}-restore -w 10 --noflush'`
}

function check(want: IptablesWant): Probes {
  const all = want.families.flatMap((each): readonly (readonly [string, Probe])[] => [
    [`${each.family} file`, file(each.file.path)],
    [`${each.family} rules`, script(question(want, each))],
  ])
  return { ...Object.fromEntries(all), 'unit file': file(want.boot.file.path), unit: unit(want.boot.unit) }
}

function question({ chain }: IptablesWant, { family, file: want, text }: FamilyWant): Shell {
  const program = FAMILIES[family]
  const list = sh`chain_rules ${program}`
  return rulesScript({
    program: `${program}-restore`,
    functions: chainFunctions(chain),
    live: list,
    ...(!want.absent && { load: sh`${program}-restore -w 10 && ${list}`, text }),
  })
}

function readFamily(family: Family, values: Readonly<Record<string, unknown>>): RulesNow {
  return readRules(FAMILIES[family], values[`${family} rules`] as ScriptResult | undefined)
}

function apply(want: IptablesWant, now: IptablesNow): readonly (readonly Change[])[] {
  const wrong = want.families.filter(({ family }) => now.rules[family].wrong !== undefined)
  if (wrong.length > 0) {
    return wrong.map(({ family }) =>
      change(`${family} rules`, null, 'as written', refusalStep(now.rules[family].wrong ?? '')),
    )
  }
  const judged = want.absent ? [] : [shellStep(judge(want))]
  const files = want.families.map(({ family, file: wanted }) =>
    prefixed(`${family} file`, wholeFile.apply(wanted, now.files[family]).flat()).map((each) => ({
      ...each,
      steps: [...judged, ...(want.absent ? [] : [FOLDER_STEP]), ...each.steps],
    })),
  )
  const live = want.families.map(({ family, listing }) => {
    const { live: rules, wanted = listing } = now.rules[family]
    const load = shellStep(sh`( ${chainFunctions(want.chain)}
chain_becomes ${FAMILIES[family]} ${listing.join('\n')}
)`)
    return listingChanges(rules, wanted, tell(family, want.chain), [...judged, load])
  })
  const boot = bootUnitChanges(want.boot, now.unitFile, now.unit)
  return want.absent ? [...live, boot, ...files] : [...files, boot, ...live]
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

function removal({ name, hook, chain, families }: IptablesWant): Removal {
  const paths = families.map(({ file: { path } }) => path)
  const proof = script(sh`cat -- ${paths} 2>&1
${chainFunctions(chain)}
for t in ${Object.values(FAMILIES)}; do ! command -v "$t" >/dev/null || chain_rules "$t" 2>&1; done`)
  return { type: 'iptables', want: { name, hook, absent: true }, proof }
}
