/**
 * Symbol.dispose and Symbol.asyncDispose, where there are none: in a vm context of Node 20 and 22, which Vitest's vm pools
 * and Jest run tests in. Node itself has added them to its main context only (seen in 20.20). Without them nothing that
 * is held with `using` can be, in this package and in the test.
 */
import { runInThisContext } from 'node:vm'

/**
 * Lends this realm the two symbols of the main one, by which Node's own handles are disposed of too. To be called by
 * each module that has them in a class, before the class. Idempotent.
 */
export function ensureDisposeSymbols(): void {
  if ('dispose' in Symbol && 'asyncDispose' in Symbol) return
  const main = runInThisContext('Symbol') as typeof Symbol // by its name; of this realm it is another object
  for (const name of ['dispose', 'asyncDispose'] as const) {
    Object.defineProperty(Symbol, name, { value: main[name] })
  }
}
