import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bed, Route } from './bed.ts'
import type { Job } from './measure.ts'

/** `ssh host true` on all hosts at once: what nobody who logs in by OpenSSH can be faster than. */
export function bareLogin(bed: Bed, route: Route): Job {
  const script =
    'while read -r _ address port; do ssh "$@" -p "$port" "root@$address" true </dev/null & done <"$0"; wait'
  return { argv: ['sh', '-c', script, route.hosts, ...sshOptions(bed, route)], check: () => undefined }
}

/** The floor of test/bench/floor.py. */
export function floor(bed: Bed, { hosts, knownHosts }: Route, changes: 'none' | 'some', work = 'floor'): Job {
  const script = join(import.meta.dirname, 'floor.py')
  return {
    argv: ['/usr/bin/python3', script, hosts, bed.identityFile, knownHosts, join(bed.root, work), String(bed.rev)],
    check: (output) => must(/changed 0$/m.test(output) === (changes === 'none'), 'floor', changes, output),
  }
}

/** `deploy` as a user has it: the installed package, on the Node it brought. */
export function deploy(
  bed: Bed,
  environment: string,
  verb: 'plan' | 'apply',
  playbook: string,
  changes: 'none' | 'some',
): Job {
  const yes = verb === 'apply' ? ['--yes'] : []
  return {
    argv: [bed.node, ...launchOptions(bed), 'node_modules/.bin/deploy', verb, environment, playbook, ...yes],
    check: (output) => must(NOTHING.test(output) === (changes === 'none'), `deploy ${verb}`, changes, output),
  }
}

/** What the launcher's first line gives to Node, where a user types its name. */
function launchOptions({ root }: Bed): readonly string[] {
  const [first = ''] = readFileSync(join(root, 'node_modules/.bin/deploy'), 'utf8').split('\n')
  return first.split(' ').filter((word) => word.startsWith('--'))
}

const NOTHING = /^Plan: nothing to do on \d+ hosts?; (\d+) of \1 tasks as wanted\.$/m

function sshOptions(bed: Bed, { knownHosts }: Route): readonly string[] {
  const options = ['BatchMode=yes', 'StrictHostKeyChecking=yes', `UserKnownHostsFile="${knownHosts}"`, 'LogLevel=ERROR']
  return [...options.flatMap((option) => ['-o', option]), '-i', bed.identityFile]
}

/** Throws with the end of the output when a command did not do what was wanted. */
export function must(holds: boolean, what: string, changes: 'none' | 'some', output: string): void {
  if (!holds)
    throw new Error(
      `${what}: ${changes === 'none' ? 'changes where there should be none' : 'no change'}\n${output.slice(-3000)}`,
    )
}
