/** The pin file on the disk: read as a whole, changed as a whole, by one process at a time. */
import { readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Context } from '../context.js'
import { systemErrorCode, VmImageError } from '../errors.js'
import { newOwner } from '../store/owner.js'
import { withExclusive } from '../store/exclusive.js'
import { formatPins, parsePins } from './pin-text.js'
import type { Pinning, Pins } from './pins.js'

/**
 * The pins that hold where a context does: frozen when it says so, or by itself in CI where there is a pin file.
 *
 * @throws VmImageError INVALID_PINS when the file that is named does not exist, or is no pin file.
 */
export function readPinning({
  pinFile: file,
  frozen,
  isCi,
}: Pick<Context, 'pinFile' | 'frozen' | 'isCi'>): Pinning {
  if (file === undefined) return { file, isFrozen: frozen ?? false, pins: {} }
  const pins = readPins(file)
  // A misspelt path would silently leave everything unpinned.
  if (pins === undefined) throw missing(file)
  return { file, isFrozen: frozen ?? isCi, pins }
}

/** Undefined when there is no such file. @throws VmImageError INVALID_PINS */
export function readPins(file: string): Pins | undefined {
  try {
    return parsePins(readFileSync(file, 'utf8'), file)
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === undefined) throw error
    if (code === 'ENOENT') return undefined
    throw new VmImageError(
      'INVALID_PINS',
      `Cannot read the pins in "${file}": ${code}.\nMake it a file that can be read, or name another: --pin-file, VMIMAGE_PIN_FILE.`,
      { cause: error },
    )
  }
}

/**
 * Replaces the pins in the file by what `change` makes of them, or leaves the file alone when that is the same text.
 * Others who change it at the same time wait, and find what this one wrote.
 *
 * @throws VmImageError INVALID_PINS when it cannot be written, or what is there is no pin file.
 */
export async function changePins(
  file: string,
  change: (pins: Pins) => Pins,
  signal: AbortSignal,
): Promise<void> {
  const target = targetOf(file)
  try {
    await withExclusive(`${target}.lock`, signal, () => {
      const before = readPins(target)
      const text = formatPins(change(before ?? {}))
      if (before === undefined || text !== readFileSync(target, 'utf8')) replace(target, text)
    })
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === undefined) throw error
    throw new VmImageError(
      'INVALID_PINS',
      `Cannot write the pins to "${file}": ${code}.\nMake its directory writable, or name another file: --pin-file, VMIMAGE_PIN_FILE.`,
      { cause: error },
    )
  }
}

/** Brings a file that people have merged or edited back into its one form; throws like {@link changePins}. */
export async function tidyPins(file: string, signal: AbortSignal): Promise<void> {
  const pins = readPins(file)
  if (pins === undefined || formatPins(pins) === readFileSync(file, 'utf8')) return
  await changePins(file, (now) => now, signal)
}

/** A link stays one: what it leads to is replaced. */
function targetOf(file: string): string {
  try {
    return realpathSync(file)
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error
    return file
  }
}

function replace(file: string, text: string): void {
  const draft = join(dirname(file), `.${basename(file)}.${newOwner()}`)
  try {
    writeFileSync(draft, text, { flag: 'wx', flush: true })
    renameSync(draft, file)
  } finally {
    rmSync(draft, { force: true })
  }
}

function missing(file: string): VmImageError {
  return new VmImageError(
    'INVALID_PINS',
    `Cannot read the pins in "${file}": the file does not exist.\n` +
      'Correct its path (pinFile, --pin-file, VMIMAGE_PIN_FILE), or write it: npx vmimage pin.',
  )
}
