import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Whether the program `ssh` is installed here. */
export function hasSsh(): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, 'ssh'), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
