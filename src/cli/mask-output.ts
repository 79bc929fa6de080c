import { redact } from '../model/redaction.ts'

/** Masks secrets in everything that this process writes to its stdout and stderr from now on, whoever writes it. */
export function maskOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (chunk: string | Uint8Array, ...rest: unknown[]) => boolean
    stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) =>
      write(
        redact(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8')),
        ...rest,
      )) as typeof stream.write
  }
}
