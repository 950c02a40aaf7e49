/**
 * Repairs a copy of an image that was not closed properly: its refcounts are behind, its data are whole. Nothing else
 * is ever repaired, because of everything else nobody knows what the bytes should have been. The one place where
 * QEMU's own tool is asked, and only for a file that keeps every other rule.
 */
import { constants, existsSync, rmSync } from 'node:fs'
import { chmod, copyFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { systemErrorCode, VmImageError } from '../errors.js'
import { diskFullError, isDiskFull } from '../disk-full.js'
import { unwritable } from '../file-trouble.js'
import { runQuietly } from '../program.js'
import { examineImage, type ImageReport } from './examine.js'
import { ruleOfDirty } from './feature-rules.js'

const fiveMinutesMs = 300_000
/** What a check of 4 TiB needs is a quarter of it; a file that is made to do harm may ask for any amount. */
const mostMemoryBytes = 1_073_741_824

/**
 * Copies the image at `path` to the new file `copy` and repairs the copy; the image itself is only read. On any error
 * there is no copy.
 *
 * @throws VmImageError INVALID_REQUEST when the image has nothing to repair, or there is a file at `copy` already.
 * @throws VmImageError UNSAFE_IMAGE or UNSUPPORTED_IMAGE when it breaks any other rule than that of the dirty mark.
 * @throws VmImageError TOOL_MISSING or TOOL_FAILED by qemu-img.
 */
export async function repairCopy(path: string, copy: string, signal: AbortSignal): Promise<ImageReport> {
  checkRepairable(path, examineImage(path))
  await copyToNew(path, copy)
  try {
    // Of the bytes that are repaired: the file may be another one by now.
    checkRepairable(path, examineImage(copy))
    await checkAll(copy, signal)
    const report = examineImage(copy)
    if (report.breaches.length === 0) return report
    throw unrepaired(
      path,
      `afterwards it broke rule ${report.breaches.map(({ rule }) => rule.id).join(', ')}`,
    )
  } catch (error) {
    rmSync(copy, { force: true })
    throw error
  }
}

function checkRepairable(path: string, { breaches }: ImageReport): void {
  const other = breaches.find(({ rule }) => rule !== ruleOfDirty)
  if (other) throw unrepaired(path, `${other.found} (rule ${other.rule.id})`)
  if (breaches.length > 0) return
  throw new VmImageError(
    'INVALID_REQUEST',
    `Cannot repair "${path}": it keeps every rule, and there is nothing to repair.\nUse it as it is.`,
  )
}

function unrepaired(path: string, found: string): VmImageError {
  return new VmImageError(
    'UNSAFE_IMAGE',
    `Cannot repair "${path}": ${found}. Only an image that was not closed properly, and is sound otherwise, is repaired.\n` +
      'Fetch it again, or make it anew.',
  )
}

async function copyToNew(path: string, copy: string): Promise<void> {
  try {
    await copyFile(path, copy, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    await chmod(copy, 0o600)
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') {
      if (existsSync(copy)) rmSync(copy)
      throw isDiskFull(error) ? diskFullError(copy, undefined, error) : unwritable('repair into', copy, error)
    }
    throw new VmImageError(
      'INVALID_REQUEST',
      `Cannot repair "${path}" into "${copy}": there is a file already, and it is never overwritten.\nName a new file.`,
      { cause: error },
    )
  }
}

/** Bounded: the file is checked, and still somebody else's. */
async function checkAll(copy: string, signal: AbortSignal): Promise<void> {
  const command = ['qemu-img', 'check', '-f', 'qcow2', '-r', 'all', resolve(copy)]
  const [program = '', ...args] =
    process.platform === 'linux' ? ['prlimit', `--as=${mostMemoryBytes}`, ...command] : command
  await runQuietly(program, args, { signal: AbortSignal.any([signal, AbortSignal.timeout(fiveMinutesMs)]) })
}
