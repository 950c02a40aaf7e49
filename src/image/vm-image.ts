/// <reference lib="esnext.disposable" preserve="true" />
/**
 * VmImage: one test's disk, and the facts of what is on it. It has an identity (its file) and an end.
 *
 * Each test's worker loads this, so what a disk can do beyond living and dying is loaded when it is asked for.
 */
import { renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Cleanup } from '../cleanup.js'
import { ensureDisposeSymbols } from '../dispose-symbols.js'
import type { ImageFacts } from '../image-facts.js'
import type { Changes } from '../qcow2/changes.js'
import { refuseDataFile } from '../qcow2/data-file.js'
import type { Trust } from '../trust.js'
import type { BaseImage } from './base-image.js'
import type { Disk } from './disk-at.js'
import type { DiskInfo } from './disk-info.js'
import { checkBelow } from './check-unchanged.js'
import { chainOf, diskFrozen, type DiskState, requireFile, requirePresent } from './disk-state.js'
import type { ExportOptions } from './export-disk.js'
import type { ForkOptions } from './fork.js'
import type { KeptDisk } from './keep-disk.js'
import { type Launch, launchOf } from './launch.js'

ensureDisposeSymbols()

/**
 * For the package itself: moves the overlay into `directory` (same file system), where disposing of the image leaves
 * it. Whoever does this sees to the lease of its base.
 */
export let moveOverlay: (image: VmImage, directory: string) => void

/** For the package itself: what an image is made of. */
export let stateOf: (image: VmImage) => DiskState

/**
 * A qcow2 overlay on a read-only base image. Write to {@link path} as you like; the base never changes.
 *
 * @example
 * await using image = await openVmImage('fedora')
 * await execa('qemu-system-x86_64', ['-drive', `file=${image.path},if=virtio`])
 */
export class VmImage implements ImageFacts, Disk, AsyncDisposable {
  readonly name: string
  readonly version: string
  readonly build: string | undefined
  readonly arch: string
  readonly variant: string | undefined
  readonly fileName: string
  readonly url: string
  readonly trust: Trust
  readonly signedBy: string | undefined
  /** `<algorithm>:<hex>` of the file as it is served; undefined for a file of your own that names none. */
  readonly digest: string | undefined
  /** When the name was resolved to this build (ISO 8601); if that is too long ago, how long, and why it was not asked again. */
  readonly resolved: { readonly at: string; readonly stale: string | undefined }
  /** Absolute path of the read-only base image. */
  readonly baseImage: string
  readonly baseFormat: 'qcow2' | 'raw'
  /** Size of the disk that the guest sees, in bytes. */
  readonly virtualSizeBytes: number

  readonly #state: DiskState
  readonly #cleanup: Cleanup

  static {
    moveOverlay = (image, directory) => {
      const target = join(directory, basename(image.path))
      renameSync(image.path, target)
      image.#state.path = target
    }
    stateOf = (image) => image.#state
  }

  /** For the package itself: made by `openOverlay()`. */
  constructor(base: BaseImage, state: DiskState, virtualSizeBytes: number, cleanup: Cleanup) {
    this.name = base.name
    this.version = base.version
    this.build = base.build
    this.arch = base.arch
    this.variant = base.variant
    this.fileName = base.fileName
    this.url = base.url
    this.trust = base.trust
    this.signedBy = base.signedBy
    this.digest = base.digest
    this.resolved = base.resolved
    this.baseImage = base.path
    this.baseFormat = base.format
    this.virtualSizeBytes = virtualSizeBytes
    this.#state = state
    this.#cleanup = cleanup
  }

  /** Absolute path of the overlay: hand this to QEMU, libvirt, guestfish, a customiser. */
  get path(): string {
    return this.#state.path
  }

  /**
   * What to tell QEMU so that it opens this disk on its base, whatever backing files are named in them, and can write to
   * nothing but the disk itself.
   *
   * @throws VmImageError DISK_FROZEN when there are forks of it, DISK_GONE, BASE_CHANGED when somebody wrote to what it
   * stands on, UNSAFE_IMAGE when somebody has made its file name another one for its data, which QEMU would open.
   * @example
   * const { args, node } = image.launch
   * spawn('qemu-system-x86_64', ['-m', '1G', ...args, '-device', `virtio-blk-pci,drive=${node}`])
   */
  get launch(): Launch {
    requirePresent(this.#state, 'launch')
    this.#requireWritable('launch')
    checkBelow(this.#state)
    const chain = chainOf(this.#state)
    for (const path of [chain.path, ...chain.parents]) refuseDataFile(path)
    return launchOf(chain)
  }

  /**
   * A second disk that begins as this one is now: install once, try many things. From then on this one is frozen: it can
   * be forked again, and nothing writes to it. The fork lives as long as what opened this one: in a test until its end,
   * elsewhere until it is disposed of; a disk that is disposed of before its forks is deleted with the last of them.
   *
   * @throws VmImageError DISK_IN_USE while a machine has it open, DISK_GONE, SIZE_TOO_SMALL, BASE_CHANGED when somebody
   * wrote to it after it was frozen.
   * @example
   * const prepared = await useVmImage('fedora') // boot it, install, shut down
   * const [one, two] = [await prepared.fork(), await prepared.fork()]
   */
  async fork(options: ForkOptions = {}): Promise<VmImage> {
    const { forkImage } = await import('./fork.js')
    return forkImage(this, options)
  }

  /**
   * What was written to the disk, without QEMU's tools: how much, and where.
   *
   * @throws VmImageError DISK_GONE, UNSAFE_IMAGE when the file is damaged.
   */
  async changes(): Promise<Changes> {
    requireFile(this.#state, 'read')
    const { readChanges } = await import('../qcow2/changes.js')
    return readChanges(this.path)
  }

  /**
   * What `vmimage info` says of the disk: its format, its base, and what it takes of the host's disk.
   *
   * @throws VmImageError DISK_GONE, UNSAFE_IMAGE when the file is damaged.
   */
  async info(): Promise<DiskInfo> {
    requireFile(this.#state, 'read')
    const { readDiskInfo } = await import('./disk-info.js')
    return readDiskInfo(chainOf(this.#state))
  }

  /**
   * Writes the whole disk, with what is below it, to the new file `path`; by `qemu-img`. Nothing is left of it on errors.
   *
   * @throws TypeError for an option that there is not.
   * @throws VmImageError DISK_GONE, FILE_EXISTS, FILE_UNWRITABLE, DISK_IN_USE, BASE_CHANGED, TOOL_MISSING without qemu-img, TOOL_FAILED, NO_SPACE.
   * @example
   * await image.exportTo('prepared.qcow2', { compress: true })
   */
  async exportTo(path: string, options: ExportOptions = {}): Promise<void> {
    requireFile(this.#state, 'export')
    checkBelow(this.#state)
    const { exportDisk } = await import('./export-disk.js')
    await exportDisk(chainOf(this.#state), path, options)
  }

  /**
   * Takes back all that was written: the disk is as its base again, at the same path.
   *
   * @throws VmImageError DISK_IN_USE while a machine has it open, DISK_FROZEN, DISK_GONE, BASE_CHANGED.
   */
  async reset(): Promise<void> {
    requirePresent(this.#state, 'reset')
    this.#requireWritable('reset')
    const { resetImage } = await import('./reset-disk.js')
    await resetImage(this)
  }

  /**
   * Keeps the disk whatever becomes of the test: it is moved at once, and {@link path} with it. It counts as one of the
   * kept disks, and makes room for later ones in its turn.
   *
   * @throws VmImageError DISK_GONE.
   */
  async keep(): Promise<KeptDisk> {
    const { keepImage } = await import('./keep-disk.js')
    return keepImage(this)
  }

  /** Deletes the overlay, after its last fork. Idempotent. Tests need not call it: the adapters do. */
  async dispose(): Promise<void> {
    this.#state.isDisposed = true
    if (this.#state.forks.size > 0) return
    await this.#cleanup[Symbol.asyncDispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  toString(): string {
    return `<Image name=${this.name} version=${this.version} arch=${this.arch}>`
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }

  #requireWritable(action: string): void {
    if (this.#state.frozenAs === undefined) return
    throw diskFrozen(this.path, action)
  }
}
