/**
 * VmImage: one test's disk, and the facts of what is on it. It has an identity (its file) and an end.
 */
import { renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Cleanup } from '../cleanup.js'
import type { BaseImage } from './base-image.js'

/**
 * A qcow2 overlay on a read-only base image. Write to {@link path} as you like; the base never changes.
 *
 * @example
 * await using image = await openVmImage('fedora')
 * await execa('qemu-system-x86_64', ['-drive', `file=${image.path},if=virtio`])
 */
export class VmImage implements AsyncDisposable {
  /** The system's name as its publisher writes it: `Fedora`. For a URL or a file, the name of the file. */
  readonly name: string
  /** As the publisher writes it (`44`, `24.04`, `0.6.3`); empty for a URL or a file. */
  readonly version: string
  /** The publisher's build or serial (`1.7`, `20260712-2537`), where there is one. */
  readonly build: string | undefined
  /** Linux's name: `x86_64`, `aarch64`. */
  readonly arch: string
  /** The flavour of the image, where the publisher has several: `genericcloud`. */
  readonly variant: string | undefined
  /** Where the publisher has it; undefined for a file of your own. */
  readonly url: string | undefined
  /** `<algorithm>:<hex>` of the file as it is served; undefined for a file of your own that names none. */
  readonly digest: string | undefined
  /** On what ground the bytes are believed: your digest, the publisher's checksum file, or nothing strong. */
  readonly trust: 'pinned' | 'checksum' | 'unverified'
  /** When the name was resolved to this build (ISO 8601), and why it was not asked again if that is long ago. */
  readonly resolved: { readonly at: string; readonly stale: string | undefined }
  /** Absolute path of the read-only base image. */
  readonly baseImage: string
  readonly baseFormat: 'qcow2' | 'raw'
  /** Size of the disk that the guest sees, in bytes. */
  readonly virtualSizeBytes: number

  #path: string
  readonly #cleanup: Cleanup

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
    this.url = base.url
    this.digest = base.digest
    this.trust = base.trust
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

  /** Moves the overlay into `directory` (same file system) for good; disposing then leaves it there. Returns its new path. */
  moveTo(directory: string): string {
    const target = join(directory, basename(this.#path))
    renameSync(this.#path, target)
    this.#path = target
    return target
  }

  toString(): string {
    return `<Image name=${this.name} version=${this.version} arch=${this.arch}>`
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}
