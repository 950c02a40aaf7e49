/// <reference lib="esnext.disposable" preserve="true" />
/**
 * VmImage: one test's disk, and the facts of what is on it. It has an identity (its file) and an end.
 */
import { renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Cleanup } from '../cleanup.js'
import type { ImageFacts } from '../image-facts.js'
import type { Trust } from '../trust.js'
import type { BaseImage } from './base-image.js'

/**
 * For the package itself: moves the overlay into `directory` (same file system), where disposing of the image leaves
 * it. Whoever does this sees to the lease of its base.
 */
export let moveOverlay: (image: VmImage, directory: string) => void

/**
 * A qcow2 overlay on a read-only base image. Write to {@link path} as you like; the base never changes.
 *
 * @example
 * await using image = await openVmImage('fedora')
 * await execa('qemu-system-x86_64', ['-drive', `file=${image.path},if=virtio`])
 */
export class VmImage implements ImageFacts, AsyncDisposable {
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

  #path: string
  readonly #cleanup: Cleanup

  static {
    moveOverlay = (image, directory) => {
      const target = join(directory, basename(image.#path))
      renameSync(image.#path, target)
      image.#path = target
    }
  }

  /** For the package itself: made by `openOverlay()`. */
  constructor(
    base: BaseImage,
    overlay: { readonly path: string; readonly virtualSizeBytes: number },
    cleanup: Cleanup,
  ) {
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
    this.virtualSizeBytes = overlay.virtualSizeBytes
    this.#path = overlay.path
    this.#cleanup = cleanup
  }

  /** Absolute path of the overlay: hand this to QEMU, libvirt, guestfish, a customiser. */
  get path(): string {
    return this.#path
  }

  /** Deletes the overlay. Idempotent. Tests need not call it: the adapters do. */
  async dispose(): Promise<void> {
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
}
