import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import type { Bed } from './bed.ts'

/** What was measured on, a line per fact. */
export function machine(bed: Bed): readonly string[] {
  const [cpu] = cpus()
  return [
    `${cpus().length} × ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB of memory, Linux ${release()}; controller and hosts share all of it`,
    `controller: ${said('ssh', ['-V'])}; Node ${said(bed.node, ['--version'])}; ${said('/usr/bin/python3', ['--version'])} with Jinja2 ${said('/usr/bin/python3', ['-c', 'import jinja2; print(jinja2.__version__)'])} for the floor`,
    `hosts: Debian 12 in systemd-nspawn, systemd and sshd running, behind one bridge`,
    `evenkeel ${toolVersion(bed)} ${said('git', ['-C', import.meta.dirname, 'log', '-1', '--format=at commit %h'])}`.trim(),
  ]
}

function toolVersion({ root }: Bed): string {
  const manifest = readFileSync(`${root}/node_modules/evenkeel/package.json`, 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

function said(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return status === 0 ? (stdout || stderr).trim() : ''
}
