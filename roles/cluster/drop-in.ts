import { directory, file, handler, sh, type Task } from 'evenkeel'

const readUnits = handler('systemd reads its units', sh`systemctl daemon-reload`)

/** Lines that a unit of Debian gets beside its own. Its address is there before it starts. */
export function dropIn(unit: string, lines: readonly string[]): readonly Task[] {
  const path = `/etc/systemd/system/${unit}.service.d`
  const network = ['[Unit]', 'Wants=network-online.target', 'After=network-online.target']
  const content = ['# Managed by evenkeel.', ...network, '', '[Service]', ...lines].map((line) => `${line}\n`).join('')
  const root = { owner: 'root', group: 'root' } as const
  return [
    directory({ path, ...root, mode: '0755' }),
    file({ path: `${path}/evenkeel.conf`, content, ...root, mode: '0644' }, { notify: readUnits }),
  ]
}
