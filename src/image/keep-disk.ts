/** keep: a disk outlives its test because somebody wants it to, and not because the test failed. */
import { requireFile, requirePresent } from './disk-state.js'
import { keepIn } from './kept-directory.js'
import { stateOf, type VmImage } from './vm-image.js'

export interface KeptDisk {
  /** Absolute path of the disk. */
  readonly path: string
  /** Its directory, with `note.json` beside it. */
  readonly directory: string
  /** The shell command that boots it. */
  readonly boot: string
}

/**
 * VmImage.keep(). Idempotent. No limit refuses it; but it is counted, and so it is older disks that go, and the disks of
 * failed tests that find less room.
 */
export async function keepImage(image: VmImage): Promise<KeptDisk> {
  const state = stateOf(image)
  if (state.kept) {
    requireFile(state, 'keep')
    return state.kept
  }
  const { keeping, test, base } = state
  requirePresent(state, 'keep')
  if (keeping === undefined) throw new TypeError('This disk was opened without a directory for kept disks.')
  const title = `${image.name} ${image.version}`.trim()
  const keptFor = { test: test ?? title, attempt: 1, failed: false, session: keeping.session }
  const [kept] = keepIn(keeping.keptDir, [{ image, leaseDir: base.leaseDir }], keptFor)
  if (kept === undefined) throw new TypeError('A disk does not stand on itself.')
  const { path, directory, boot } = kept
  state.kept = { path, directory, boot }
  await keeping.makeRoom?.()
  return state.kept
}
