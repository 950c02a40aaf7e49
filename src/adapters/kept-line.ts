/** What people are told of a kept disk: a line in the test's own error, which every reporter shows. */
import type { KeptImage } from '../run/keep.js'

export function keptLine({ image, path, beyond }: KeptImage): string {
  if (path !== undefined) {
    return `vm image "${image}" kept: ${path}\nnote.json beside it has the command that boots it.`
  }
  const why =
    beyond === 'keepMaxSize'
      ? 'with it kept disks would take more of the disk than keepMaxSize (VMIMAGE_KEEP_MAX_SIZE) allows'
      : 'this run has kept as many tests as keepLast (VMIMAGE_KEEP_LAST) allows'
  return `vm image "${image}" not kept: ${why}`
}

/** Adds a line to what a test threw, if that has a message to add it to. */
export function addToError(error: unknown, line: string): void {
  if (hasMessage(error)) addToMessage(error, line)
}

/**
 * The stack begins with the message, and some reporters show only that. What cannot be changed stays as it is: it is said
 * on the standard error too.
 */
export function addToMessage(error: { message: string; stack?: string | undefined }, line: string): void {
  const { message, stack } = error
  const added = message === '' ? line : `${message}\n\n${line}`
  if (stack !== undefined) change(error, 'stack', stackWith(stack, message, added))
  change(error, 'message', added)
}

/** Of an error without a message the stack begins with its name alone. */
function stackWith(stack: string, message: string, added: string): string {
  if (message !== '') return stack.replace(message, () => added)
  return stack.replace(/^[^\n]*/, (name) => `${name.replace(/:? *$/, '')}: ${added}`)
}

/** The message of a DOMException is a getter that its own property can hide; of a frozen error nothing changes. */
function change(error: object, name: string, value: string): void {
  try {
    if (Reflect.set(error, name, value)) return
    Reflect.defineProperty(error, name, { value, writable: true, configurable: true })
  } catch (failure) {
    // From a setter of somebody else's, in another realm too.
    if ((failure as Error | undefined)?.name !== 'TypeError') throw failure // of what a setter throws, asked and not trusted
  }
}

/** Not by `instanceof`: an error of Node itself comes from another realm. */
function hasMessage(value: unknown): value is { message: string; stack?: string } {
  return (
    typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string'
  )
}
