/** A place in one test that another waits for, however late it comes there: what was reached stays reached. */
export interface Latch<T> {
  readonly reached: Promise<T>
  readonly reach: (value: T) => void
}

export function latch<T>(): Latch<T> {
  const resolvers: ((value: T) => void)[] = []
  const reached = new Promise<T>((resolve) => resolvers.push(resolve))
  return { reached, reach: (value) => resolvers.forEach((resolve) => resolve(value)) }
}
