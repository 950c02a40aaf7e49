/**
 * What the scenarios of Jest use of its own package, which only their projects have: nothing else here needs Jest, and
 * it is a hundred packages.
 */
declare module '@jest/globals' {
  type Body = (() => void | Promise<unknown>) | ((done: (error?: unknown) => void) => void)
  type Add = (name: string, body: Body, timeoutMs?: number) => void
  type Each = <T>(rows: readonly T[]) => (name: string, body: (row: T) => unknown, timeoutMs?: number) => void
  interface Matchers {
    readonly not: Matchers
    toBe(value: unknown): void
    toHaveLength(length: number): void
  }
  export const test: Add & {
    readonly skip: Add
    readonly todo: (name: string) => void
    readonly failing: Add
    readonly each: Each
    readonly concurrent: Add & { readonly each: Each }
  }
  export const describe: ((name: string, body: () => void) => void) & { readonly each: Each }
  type AddHook = (body: Body, timeoutMs?: number) => void
  export const beforeAll: AddHook
  export const beforeEach: AddHook
  export const afterEach: AddHook
  export const afterAll: AddHook
  export const expect: ((value: unknown) => Matchers) & { getState(): { currentTestName?: string } }
  export const jest: {
    retryTimes(times: number, options?: { retryImmediately?: boolean }): void
    useFakeTimers(): void
    useRealTimers(): void
    resetModules(): void
    isolateModules(body: () => void): void
  }
}
