/**
 * PartFile: the private file that a download grows in, and the digest of every byte of it. Only this process writes
 * to it. What an earlier owner left is read through the hash first: a digest that is compared covers the file from
 * byte 0, as this process has seen it.
 */
import { createHash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest, DigestAlgorithm } from '../digest.js'
import { ensureDisposeSymbols } from '../dispose-symbols.js'
import { type PartState, readPartState, removePartState, writePartState } from './part-state.js'

/** Received bytes that may wait for the disk; then the network has to wait. */
const maxWaitingBytes = 2 ** 23
const readBytes = 2 ** 20

/** Opens (or creates) the part in a private directory, and hashes what is in it already. */
export async function openPartFile(
  directory: string,
  algorithm: DigestAlgorithm,
  signal: AbortSignal,
): Promise<PartFile> {
  const path = join(directory, 'part')
  const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  const part = new PartFile(path, directory, algorithm, file)
  try {
    await part.readBack(signal)
    return part
  } catch (error) {
    await part[Symbol.asyncDispose]()
    throw error
  }
}

ensureDisposeSymbols()

export class PartFile implements AsyncDisposable {
  readonly path: string
  readonly #directory: string
  readonly #algorithm: DigestAlgorithm
  readonly #file: FileHandle
  #hash: Hash
  #state: PartState | undefined
  #receivedBytes = 0
  #writtenBytes = 0
  #furthestBytes = 0
  #isPatched = false
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #writing: Promise<void> | undefined
  #failure: unknown

  /** Use {@link openPartFile}. */
  constructor(path: string, directory: string, algorithm: DigestAlgorithm, file: FileHandle) {
    this.path = path
    this.#directory = directory
    this.#algorithm = algorithm
    this.#file = file
    this.#hash = createHash(algorithm)
  }

  /** Where the bytes came from; undefined when there are none, or nobody knows. */
  get state(): PartState | undefined {
    return this.#state
  }

  /** Bytes that are hashed; the last of them may still be on their way to the disk. */
  get receivedBytes(): number {
    return this.#receivedBytes
  }

  get writtenBytes(): number {
    return this.#writtenBytes
  }

  /** The largest size that the file has had: starting over and getting as far again is no progress. */
  get furthestBytes(): number {
    return this.#furthestBytes
  }

  /** True when the bytes came in more than one answer, of which any may have been of another file. */
  get isPatched(): boolean {
    return this.#isPatched
  }

  /** Why a write failed; every later call fails as well. */
  get failure(): unknown {
    return this.#failure
  }

  /** The digest of the bytes received so far. */
  digest(): Digest {
    return { algorithm: this.#algorithm, hex: this.#hash.copy().digest('hex') }
  }

  /** Hashes what an earlier owner left; without its state, nobody can tell what it is of. */
  async readBack(signal: AbortSignal): Promise<void> {
    this.#state = await readPartState(this.#directory)
    if (!this.#state) return this.restart()
    const buffer = Buffer.allocUnsafe(readBytes)
    for (;;) {
      signal.throwIfAborted()
      const { bytesRead } = await this.#file.read(buffer, 0, readBytes, this.#receivedBytes)
      if (bytesRead === 0) break
      this.#hash.update(buffer.subarray(0, bytesRead))
      this.#receivedBytes += bytesRead
    }
    this.#writtenBytes = this.#receivedBytes
    this.#furthestBytes = this.#receivedBytes
  }

  /** Forgets all bytes. */
  async restart(): Promise<void> {
    await this.flush()
    await removePartState(this.#directory)
    await this.#file.truncate(0)
    this.#hash = createHash(this.#algorithm)
    this.#state = undefined
    this.#receivedBytes = 0
    this.#writtenBytes = 0
    this.#isPatched = false
  }

  /** Says where the bytes that follow come from. */
  async begin(state: PartState): Promise<void> {
    this.#isPatched = this.#receivedBytes > 0
    await writePartState(this.#directory, state)
    this.#state = state
  }

  /**
   * Takes bytes. They are hashed now and written while the next ones arrive; whatever comes during a write goes into
   * the next one, so that a slow network writes at once and a fast one in large pieces.
   */
  async append(bytes: Buffer): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    this.#hash.update(bytes)
    this.#receivedBytes += bytes.length
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    this.#writing ??= this.#writeWaiting()
    if (this.#waitingBytes > maxWaitingBytes) await this.flush()
  }

  /** Resolves when all received bytes are written. */
  async flush(): Promise<void> {
    await this.#writing
    if (this.#failure !== undefined) throw this.#failure
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing
    await this.#file.close()
  }

  /** Never rejects: the failure is for the next call that can report it. */
  async #writeWaiting(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const bytes = this.#waiting
        this.#waiting = []
        this.#waitingBytes = 0
        await this.#write(bytes)
      }
    } catch (error) {
      this.#failure = error
    }
    this.#writing = undefined
  }

  /** A disk that fills up takes a part of the bytes first; the error comes with the rest. */
  async #write(pieces: readonly Buffer[]): Promise<void> {
    const { bytesWritten } = await this.#file.writev(pieces, this.#writtenBytes)
    this.#writtenBytes += bytesWritten
    this.#furthestBytes = Math.max(this.#furthestBytes, this.#writtenBytes)
    const rest = bytesWritten < sumOf(pieces) ? Buffer.concat(pieces).subarray(bytesWritten) : undefined
    if (rest) await this.#write([rest])
  }
}

function sumOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0)
}
