/**
 * Cleanup: a stack of things to undo, run last in, first out. The language's own AsyncDisposableStack is missing
 * in Node 20 and 22.
 *
 * A function that acquires several things and may fail half-way writes
 * `await using opening = new Cleanup()`, defers the undoing of each step, and ends with `opening.move()`: until
 * that line a throw undoes everything, after it the caller owns the undoing.
 */
import { ensureDisposeSymbols } from './dispose-symbols.js'

ensureDisposeSymbols()

type Undo = () => void | Promise<void>

export class Cleanup implements AsyncDisposable {
  #steps: Undo[] = []

  /** Runs `undo` when this stack is disposed, before everything deferred earlier. */
  defer(undo: Undo): void {
    this.#steps.push(undo)
  }

  /** Disposes `resource` with this stack, and hands it back. */
  use<T extends AsyncDisposable>(resource: T): T {
    this.defer(() => Promise.resolve(resource[Symbol.asyncDispose]()))
    return resource
  }

  /** Takes all steps into a new stack; this one then has nothing left to undo. */
  move(): Cleanup {
    const moved = new Cleanup()
    moved.#steps = this.#steps
    this.#steps = []
    return moved
  }

  /** Every step runs even when one throws; then the first error (or an AggregateError of all) is thrown. */
  async [Symbol.asyncDispose](): Promise<void> {
    const steps = this.#steps
    this.#steps = []
    const errors: unknown[] = []
    for (const undo of steps.toReversed()) {
      try {
        await undo()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length === 1) throw errors[0]
    if (errors.length > 1) throw new AggregateError(errors, 'Several steps of a cleanup failed.')
  }
}
