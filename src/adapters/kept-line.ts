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

/** The stack begins with the message, and some reporters show only that. */
export function addToMessage(error: { message: string; stack?: string | undefined }, line: string): void {
  const message = `${error.message}\n\n${line}`
  if (error.stack !== undefined) error.stack = error.stack.replace(error.message, () => message)
  error.message = message
}

/** Not by `instanceof`: an error of Node itself comes from another realm. */
function hasMessage(value: unknown): value is { message: string; stack?: string } {
  return (
    typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string'
  )
}
