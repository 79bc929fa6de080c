/** What a name of a host or group must be; part of a sentence. */
export const nameRule = 'a name starts with a letter or digit and holds only letters, digits, ".", "_" and "-"'

/** Whether a name of a host, group or file is harmless wherever it ends up: on a command line, in a path, in a pattern. */
export function goodName(name: unknown): name is string {
  return typeof name === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/.test(name)
}
