/** A piece of POSIX shell whose every dynamic part is quoted. Made by the `sh` tag only. */
export interface Shell {
  readonly shell: string
}
