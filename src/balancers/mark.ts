/** How a run's id looks (src/run/run-id.ts): what is marked with one was taken out by this tool. */
const RUN = /^\d{8}-\d{6}-[0-9a-f]{4}$/

/** Shell that succeeds when its first argument is the id of a run. */
export const BY_RUN = `by_run() { printf '%s\\n' "$1" | grep -Eqx '[0-9]{8}-[0-9]{6}-[0-9a-f]{4}'; }`

/** The mark where it is one of ours, else `undefined`: somebody took it out by hand. */
export function ourMark(text: string | undefined): string | undefined {
  return text !== undefined && RUN.test(text) ? text : undefined
}
