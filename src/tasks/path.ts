/** Why a text cannot be the path of a managed thing, or `undefined` when it can: absolute, normalised, one line. */
export function invalidPath(path: unknown): string | undefined {
  if (typeof path !== 'string' || path === '') return 'path must be a text that is not empty'
  if (/[\n\0]/.test(path)) return `a line break or NUL cannot be part of a path: ${JSON.stringify(path)}`
  if (!path.startsWith('/')) return `path must be absolute, not ${JSON.stringify(path)}`
  if (path === '/') return 'the root folder / cannot be managed'
  const parts = path.slice(1).split('/')
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    return `path must be written without //, a / at the end, . and ..: ${JSON.stringify(path)}`
  }
  const long = parts.find((part) => Buffer.byteLength(part) > 255)
  return long && `a name in a path has at most 255 bytes: ${JSON.stringify(long)}`
}

/** The folder that holds a path. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}
