/** The environment of this process; the only reader of `process.env`, and its only writer. */

export type Environment = Readonly<Record<string, string | undefined>>

export function currentEnvironment(): Environment {
  return process.env
}

/** Sets a variable for this process and those that it starts; undefined removes it. */
export function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}
