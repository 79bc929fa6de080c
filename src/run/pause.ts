import { setTimeout as delay } from 'node:timers/promises'

/** Waits; no longer than until the signal is aborted. */
export async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  await delay(seconds * 1000, undefined, { signal }).catch(() => undefined)
}

/** Calls back once the signal is aborted, at once if it is already. */
export function whenAborted(signal: AbortSignal, call: () => void): void {
  if (signal.aborted) call()
  else signal.addEventListener('abort', call, { once: true })
}
