import { globSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** How often was looked, and how often the secret was there. */
export interface Samples {
  readonly samples: number
  readonly hits: number
}

/** Looks at the arguments and environments of all processes of this machine, over and over, until `end`. */
export function sampleHere(secret: string): { end(): Promise<Samples> } {
  let [samples, hits, ended] = [0, 0, false]
  const looking = (async () => {
    while (!ended) {
      samples++
      for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        if (['cmdline', 'environ'].some((name) => textOf(`/proc/${id}/${name}`).includes(secret))) hits++
      }
      await delay(20)
    }
  })()
  return {
    async end() {
      ended = true
      await looking
      return { samples, hits }
    },
  }
}

/** The same on a host, where the file /root/needle holds the secret; `on` runs a script there. */
export function sampleHost(on: (script: string) => Promise<string>): { end(): Promise<Samples> } {
  const looking = on(`rm -f /run/enough; n=0 h=0
    while [ ! -e /run/enough ]; do n=$((n + 1))
      if cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | grep -aqFf /root/needle; then h=$((h + 1)); fi
    done; echo $n $h`)
  return {
    async end() {
      await on('touch /run/enough')
      const [samples = 0, hits = 0] = (await looking).trim().split(' ').map(Number)
      return { samples, hits }
    },
  }
}

/** In which of these forms a secret is in a text. */
export function formsIn(text: string, secret: string): readonly string[] {
  const base64 = (shift: number) =>
    Buffer.from(`${'x'.repeat(shift)}${secret}`)
      .toString('base64')
      .slice(4, -4)
  const forms = [secret, Buffer.from(secret).toString('hex'), base64(0), base64(1), base64(2)]
  return forms.filter((form) => text.includes(form))
}

/** All files of a project, without its packages and the lab. */
export function filesOf(root: string): readonly string[] {
  return globSync(['**/*', '**/.*', '**/.*/**/*'], {
    cwd: root,
    exclude: (name) => name === 'node_modules' || name === 'lab',
  })
    .map((name) => join(root, name))
    .filter((file) => statSync(file).isFile())
}

/** The text of a file of a process that may be gone. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
