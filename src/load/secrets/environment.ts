const taken = new Map<string, string>()

/** Takes what is secret out of this process's environment, so that no process it starts inherits it. */
export function takeSecretVariables(): void {
  for (const [name, value] of Object.entries(process.env)) {
    if (value === undefined || !(name.startsWith('DEPLOY_SECRET_') || name === 'DEPLOY_AGE_KEY')) continue
    taken.set(name, value)
    delete process.env[name]
  }
}

/** The value that the environment had under this name; `undefined` when it had none. */
export function takenVariable(name: string): string | undefined {
  return taken.get(name)
}
