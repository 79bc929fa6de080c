import { inspect } from 'node:util'

/**
 * A value that is in no text by accident: whatever prints, joins or serializes it gets its name. It goes where a task type
 * says that it takes one: the data of templates, the content of files, the input of commands.
 */
export class Secret {
  readonly name: string
  readonly #value: string

  constructor(name: string, value: string) {
    this.name = name
    this.#value = value
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
  return new Secret([...new Set(names)].join('+') || 'text', text)
}

/** Whether a value is a secret or holds one, however deep. */
export function holdsSecret(value: unknown): boolean {
  if (value instanceof Secret) return true
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsSecret)
}
