/** Why a list of ports cannot be one, or `undefined`. */
export function invalidPorts(field: string, ports: unknown): string | undefined {
  const fine = Array.isArray(ports) && ports.every((port) => Number.isInteger(port) && port >= 1 && port <= 65535)
  return fine ? undefined : `${field} must be a list of whole numbers from 1 to 65535, not ${JSON.stringify(ports)}`
}

/** Why a text cannot be the path of a file, or `undefined`. */
export function invalidFile(field: string, path: unknown): string | undefined {
  if (typeof path === 'string' && /^(\/[A-Za-z0-9_@+-][A-Za-z0-9_.@+-]*)+$/.test(path)) return undefined
  return `${field} must be an absolute path of letters, digits and _ . @ + - , not ${JSON.stringify(path)}`
}

/** Why a text cannot be the address of something that is asked by HTTP, or `undefined`. */
export function invalidUrl(field: string, url: unknown): string | undefined {
  const parsed = typeof url === 'string' && !/[\s\0]/.test(url) && URL.canParse(url) ? new URL(url) : undefined
  // Who puts a password into an address reads it in messages.
  if (parsed && /^https?:$/.test(parsed.protocol) && !parsed.username && !parsed.password) return undefined
  return `${field} must be an address that begins with http:// or https://, without user and password`
}

/** Why a number cannot be seconds up to an hour, or `undefined`. */
export function invalidSeconds(field: string, seconds: unknown): string | undefined {
  if (typeof seconds === 'number' && seconds >= 0 && seconds <= 3600) return undefined
  return `${field} must be seconds from 0 to 3600, not ${JSON.stringify(seconds)}`
}

/** @throws Error the first of these that is one. */
export function refuse(what: string, ...reasons: readonly (string | undefined)[]): void {
  const reason = reasons.find((one) => one !== undefined)
  if (reason !== undefined) throw new Error(`${what}: ${reason}`)
}
