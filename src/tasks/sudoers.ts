import { sourcedTaskType } from '../model/task.ts'
import { sh } from '../shell/sh.ts'
import { bytesContent } from './steps.ts'
import { type FileWant, wholeFile } from './whole-file.ts'

export interface Sudoers {
  /** The file's name in /etc/sudoers.d. sudo reads no names with a dot or a tilde. */
  readonly name: string
  /** Lines of sudoers(5), e.g. `deploy ALL=(ALL) NOPASSWD: ALL`. Omitted only with `absent`. */
  readonly rules?: readonly string[]
  /** `true`: the file shall not be there. Default: false. */
  readonly absent?: boolean
}

/** visudo judges the new file alone, with what sudo would do with it. */
const JUDGE = sh`command -v visudo >/dev/null || { echo 'visudo is not there: install the package sudo first'; exit 1; }
visudo -c -f "$1" >/dev/null`.shell

/**
 * Keeps a file in /etc/sudoers.d, root's and mode 0440. `visudo` judges it before it takes its place, so that a mistake
 * locks nobody out.
 *
 * @example
 * sudoers({ name: 'deploy', rules: ['deploy ALL=(root) NOPASSWD: /usr/bin/systemctl restart app'] })
 */
export const sudoers = sourcedTaskType('sudoers', {
  ...wholeFile,
  invalid,
  revert: () => ({ restore: sh`visudo -c -q` }),
  resolve: ({ name, rules = [], absent }: Sudoers): FileWant => {
    const path = `/etc/sudoers.d/${name}`
    if (absent) return { path, absent: true }
    const text = ['# Managed by evenkeel.', ...rules].map((line) => `${line}\n`).join('')
    return { path, content: bytesContent(text), owner: 'root', group: 'root', mode: '0440', validate: JUDGE }
  },
})

function invalid({ name, rules, absent }: Sudoers): string | undefined {
  if (typeof name !== 'string' || !/^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$/.test(name))
    return `name must be letters, digits, _ and - (sudo reads no name with a dot), not ${JSON.stringify(name)}`
  if (absent) return rules === undefined ? undefined : 'absent: true goes with name alone'
  if (!Array.isArray(rules) || rules.length === 0) return 'rules must name at least one line'
  const bad = rules.find((rule) => typeof rule !== 'string' || rule.trim() === '' || /[\n\r\0]/.test(rule))
  return bad === undefined ? undefined : `a rule must be one line: ${JSON.stringify(bad)}`
}
