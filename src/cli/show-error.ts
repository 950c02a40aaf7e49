/** Errors as people read them: ours as they are, anything else with its stack, for it is a bug. */
import { VmImageError } from '../errors.js'

export function showError(error: unknown): void {
  if (error instanceof VmImageError) {
    process.stderr.write(`vmimage: [${error.code}] ${error.message}\n`)
    return
  }
  process.stderr.write(`vmimage: unexpected error\n${error instanceof Error ? error.stack : String(error)}\n`)
}

/** The last word is the first failure's, with its exit code; those after it are shown before. */
export function throwAfterOthers([first, ...others]: readonly unknown[]): void {
  others.forEach(showError)
  if (first !== undefined) throw first
}
