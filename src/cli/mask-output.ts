import type { Redactor } from '../model/redaction.ts'

/**
 * Masks secrets in everything that this process writes to its stdout and stderr from now on, whoever writes it. What
 * nobody catches would be written past that by Node itself, so it is written here.
 */
export function maskOutput(redactor: Redactor): void {
  process.on('uncaughtException', (error) => {
    process.stderr.write(`${error.stack}\n`)
    process.exit(1)
  })
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (chunk: string | Uint8Array, ...rest: unknown[]) => boolean
    stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) =>
      write(
        redactor.text(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8')),
        ...rest,
      )) as typeof stream.write
  }
}
