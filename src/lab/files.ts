import { readText } from './process.ts'

/** The value in a JSON file that this program wrote; undefined when there is none or it is cut. */
export function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readText(path) ?? '') as T
  } catch {
    return undefined
  }
}
