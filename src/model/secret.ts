import { inspect } from 'node:util'

/**
 * A value that is in no text by accident: whatever prints, joins or serializes it gets its name. It goes where a task type
 * says that it takes one: the data of templates, the content of files, the input of commands.
 */
export class Secret {
  readonly name: string
  readonly #value: string
  readonly #stands: boolean

  /** `stands`: the value only stands in place of the real one, which is not known here. */
  constructor(name: string, value: string, { stands = false } = {}) {
    this.name = name
    this.#value = value
    this.#stands = stands
  }

  /** Whether its value is the real one: `plan --offline` knows the names of secrets only, so it must not judge values. */
  get known(): boolean {
    return !this.#stands
  }

  /** The value itself, for the one place that needs it. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return `[secret:${this.name}]`
  }

  toJSON(): string {
    return this.toString()
  }

  [inspect.custom](): string {
    return this.toString()
  }
}

/**
 * A text with secrets in it, which is a secret itself.
 *
 * @example secret`postgres://app:${site.secrets.dbPassword}@db1/app`
 */
export function secret(strings: TemplateStringsArray, ...holes: readonly (string | number | Secret)[]): Secret {
  const names = holes.flatMap((hole) => (hole instanceof Secret ? [hole.name] : []))
  const text = strings.reduce((before, string, index) => {
    const hole = holes[index - 1]
    return `${before}${hole instanceof Secret ? hole.reveal() : hole}${string}`
  })
  const stands = holes.some((hole) => hole instanceof Secret && !hole.known)
  return new Secret([...new Set(names)].join('+') || 'text', text, { stands })
}

/** Whether a value is a secret or holds one, however deep. */
export function holdsSecret(value: unknown): boolean {
  if (value instanceof Secret) return true
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsSecret)
}
