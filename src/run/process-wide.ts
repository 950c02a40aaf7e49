/**
 * A value that exists once in a process, whichever copy of the package asks for it: a test runner that transforms
 * files, or a project that has us as ESM and as CommonJS, loads a module more than once.
 */

/** The value called `name`, made by the first who asks. The name ends in the version of the value's shape. */
export function processWide<T>(name: string, make: () => T): T {
  const key = Symbol.for(name)
  if (!Reflect.has(globalThis, key)) Reflect.set(globalThis, key, make())
  // The name is ours alone, so what is found there is what was put there.
  return Reflect.get(globalThis, key) as T
}
