import { createHash } from 'node:crypto'
import { defineSay } from './frames.ts'

/** Runs the script in `DEPLOY_SCRIPT`, out of reach of the script's own children. For `sh -c`, inside single quotes. */
export const EVAL_SCRIPT = 's=$DEPLOY_SCRIPT; unset DEPLOY_SCRIPT; eval "$s"'

/** The same surroundings for every script, wherever it runs: what a tool prints is part of what is compared. */
export const ENVIRONMENT =
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C; export PATH LC_ALL; umask 077; unset ENV CDPATH IFS; cd /'

/** The first line of the loop: a login that is done, and as root where it should be. No program prints it by chance. */
export const READY = 'deploy-loop-ready'

/** How sudo asks for the password. It is never sent before sudo has asked for it with these words. */
export const SUDO_PROMPT = 'deploy-sudo-password:'

/**
 * The one command that is ever put on a command line: a loop that reads a header line (nonce, length, hash), then
 * exactly that many bytes, and runs them only when their hash is right. The mark `end CODE` follows, whatever becomes of
 * the script. First of all it prints `READY`, by which the controller sees the login done. It is constant and free of newline, `!`,
 * backslash and inner single quotes, so login shells such as csh and fish pass it whole. The loop is not read from
 * stdin: dash would read ahead and take payload bytes for commands.
 */
const LOOP = [
  ENVIRONMENT,
  `echo ${READY}`,
  'while read -r n l h',
  'do p=$(head -c "$l"); set -- $(printf %s "$p" | sha256sum)',
  'if [ "$1" = "$h" ]; then ( N=$n; eval "$p" ); c=$?; echo; echo "$n end $c"; else echo; echo "$n bad"; exit 65; fi',
  'done',
]
  .join('; ')
  .replaceAll('do; ', 'do ')

/**
 * Starts the loop as the user of the login. The paths are absolute: what a profile puts first into PATH must not stand in
 * for the programs that everything else hangs on.
 */
export const LAUNCH = `exec /usr/bin/env -i HOME="$HOME" /bin/sh -c '${LOOP}'`

/** Starts the loop as root through sudo, which never asks: it works without a password or says so at once, in English. */
export const LAUNCH_SUDO = `exec /usr/bin/env LC_ALL=C /usr/bin/sudo -n -H /usr/bin/env -i HOME=/root /bin/sh -c '${LOOP}'`

/** Starts the loop as root through sudo, which reads the password from stdin, whatever it remembers of an earlier one. */
export const LAUNCH_SUDO_PASSWORD = `exec /usr/bin/env LC_ALL=C /usr/bin/sudo -k -S -p ${SUDO_PROMPT} -H /usr/bin/env -i HOME=/root /bin/sh -c '${LOOP}'`

/** The arguments that start the loop without a login shell. */
export const LAUNCH_ARGV: readonly string[] = ['sh', '-c', LOOP]

/**
 * Where the tool keeps things on a host: `S` survives a reboot, `R` does not. Both root's alone. It goes by whose /var/lib
 * is, not by whether it can be written: a disk that became read-only must not hide who holds the host.
 */
export const FOLDERS = `if [ -O /run ] && [ -O /var/lib ]; then S=/var/lib/deploy R=/run/deploy
else S=\${XDG_STATE_HOME:-$HOME/.local/state}/deploy; R=$S/run; fi`

/** What every script starts with: `N` is the nonce, `say` prints a mark, `S` and `R` are the folders. */
export const PRELUDE = `${FOLDERS}\n${defineSay(1)}\n`

/**
 * The bytes that make the loop run a script: header line, then the script. Data the script reads comes after it.
 */
export function payload(nonce: string, script: string): Buffer {
  // The loop loses line breaks at the end, so the last byte is another one; a comment leaves the exit code as it was.
  const body = Buffer.from(`${PRELUDE}${script}\n#`)
  const hash = createHash('sha256').update(body).digest('hex')
  return Buffer.concat([Buffer.from(`${nonce} ${body.length} ${hash}\n`), body])
}
