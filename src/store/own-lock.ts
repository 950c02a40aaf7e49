/**
 * OwnLock: the lock directory that one call of proper-lockfile made, and the file system to give to that call, so that
 * it removes no other: neither when it releases nor in its exit hook, which knows locks by their path alone.
 */
import { chmodSync, mkdir, type NoParamCallback, rmdir, rmdirSync, stat, statSync, utimes } from 'node:fs'
import { systemErrorCode } from '../errors.js'
import { sharedMode } from './make-directory.js'

export class OwnLock {
  readonly #path: string
  readonly #isShared: boolean
  #identity: string | undefined

  /** @param isShared whether a group may free the lock: its directory is moved for that. */
  constructor(path: string, isShared: boolean) {
    this.#path = path
    this.#isShared = isShared
  }

  /** See {@link identity}; undefined before the lock is taken, or when it was removed at once by somebody else. */
  get identity(): string | undefined {
    return this.#identity
  }

  /** True when the lock was taken here and is gone since, or another one is in its place. */
  isLost(): boolean {
    return this.#identity !== undefined && identity(this.#path) !== this.#identity
  }

  /** As much of `node:fs` as proper-lockfile 4 calls. Before the lock is taken, what it removes is one without a heartbeat. */
  readonly fileSystem = {
    stat,
    utimes,
    mkdir: (path: string, done: NoParamCallback) =>
      mkdir(path, (error) => {
        if (error === null) this.#take(path)
        done(error)
      }),
    rmdir: (path: string, done: NoParamCallback) => (this.isLost() ? done(null) : rmdir(path, done)),
    rmdirSync: (path: string) => {
      if (!this.isLost()) rmdirSync(path)
    },
  }

  #take(path: string): void {
    this.#identity = identity(path)
    try {
      if (this.#isShared) chmodSync(path, sharedMode)
    } catch (error) {
      // Removed at once by somebody else.
      if (systemErrorCode(error) === undefined) throw error
    }
  }
}

/**
 * Which directory has this name now; undefined when none has, or nobody can tell. Inode numbers are used again at
 * once (ext4), so the time of birth belongs to it.
 */
export function identity(path: string): string | undefined {
  try {
    const { ino, birthtimeNs } = statSync(path, { bigint: true })
    return `${ino}:${birthtimeNs}`
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    return undefined
  }
}
