/** Why a text cannot name a version, which is a part of paths, or `undefined` when it can. */
export function invalidVersion(version: unknown): string | undefined {
  if (typeof version === 'string' && /^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/.test(version)) return undefined
  return `version must be a name of letters, digits and . _ + -, at most 100, not ${JSON.stringify(version)}`
}
