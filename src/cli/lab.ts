import type { Command } from 'commander'
import { DeployError, exitCodes } from '../model/error.ts'
import { confirmLab, type LabTarget } from './lab-target.ts'
import type { Finish } from './options.ts'

/** `deploy lab …`: disposable real Debian hosts for an inventory whose connection says `lab: true`. */
export function labCommand(program: Command, finish: Finish): void {
  const lab = program.command('lab').description('disposable real Debian hosts on this machine (needs Linux and root)')
  const say = (line: string) => void process.stdout.write(`${line}\n`)

  lab
    .command('up')
    .description('boot every host of the inventory that does not run')
    .argument('<environment>')
    .option('--packages <names>', 'Debian packages that new hosts have from the start: a,b')
    .action(async (environment: string, { packages }: { packages?: string }) => {
      const { labUp } = await import('../lab/lab.ts')
      const target = await confirmLab(environment)
      const { hosts } = await labUp(
        { ...target.ref, hosts: target.hosts, ...(packages && { packages: packages.split(',') }) },
        say,
      )
      for (const [name, { address }] of Object.entries(hosts)) say(`${name}  ${address}`)
    })

  lab
    .command('down')
    .description('remove the lab without a trace')
    .argument('<environment>')
    .action(async (environment: string) => {
      const { labDown } = await import('../lab/lab.ts')
      await labDown((await confirmLab(environment)).ref)
    })

  lab
    .command('list')
    .description('the hosts of the lab and how they are')
    .argument('<environment>')
    .action(async (environment: string) => {
      const { labList } = await import('../lab/lab.ts')
      for (const { host, address, running, cut } of await labList((await confirmLab(environment)).ref)) {
        say(`${host}  ${address}  ${running ? 'running' : 'off'}${cut ? ', cable cut' : ''}`)
      }
    })

  const onHost = (verb: string, description: string, act: (target: LabTarget, host: string) => Promise<unknown>) => {
    lab
      .command(verb)
      .description(description)
      .argument('<environment>')
      .argument('<host>')
      .action(async (environment: string, host: string) => {
        const target = await confirmLab(environment)
        requireHost(target, host)
        await act(target, host)
      })
  }
  onHost('kill', 'power loss: the host is gone at once, its disk stays', async ({ ref }, host) =>
    (await import('../lab/lab.ts')).labKill(ref, host),
  )
  onHost('destroy', 'lose a host and its disk; lab up makes an empty one of that name', async ({ ref }, host) =>
    (await import('../lab/lab.ts')).labDestroy(ref, host),
  )
  onHost('start', 'boot a host again on its disk', async ({ ref }, host) =>
    (await import('../lab/lab.ts')).labStart(ref, host),
  )
  onHost('cut', 'pull the network cable', async ({ ref }, host) => (await import('../lab/lab.ts')).labCut(ref, host))
  onHost('heal', 'plug the network cable in again', async ({ ref }, host) =>
    (await import('../lab/lab.ts')).labHeal(ref, host),
  )

  lab
    .command('exec')
    .description('a command inside a host, without ssh; exits with its code')
    .argument('<environment>')
    .argument('<host>')
    .argument('<command...>', 'after --')
    .action(async (environment: string, host: string, command: string[]) => {
      const { labShell } = await import('../lab/inside.ts')
      const target = await confirmLab(environment)
      requireHost(target, host)
      finish(await labShell(target.ref, host, command))
    })
}

function requireHost({ hosts, environment }: LabTarget, host: string): void {
  if (hosts.includes(host)) return
  throw new DeployError({
    code: 'E_UNKNOWN_HOST',
    message: `no host "${host}" in ${environment} (hosts: ${hosts.join(', ')})`,
    exit: exitCodes.usage,
  })
}
