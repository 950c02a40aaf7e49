/**
 * withExclusive: one process at a time changes a small file. Unlike the lock of a download this one carries correctness, so
 * nobody takes it from a process that lives: what is done under it is synchronous, and takes milliseconds.
 */
import {
  closeSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { systemErrorCode } from '../errors.js'
import { judge, newOwner, parseOwner } from './owner.js'

/** A holder of which nothing can be known, on another machine or in another container, is given up after this time. */
const unknownMs = 30_000

/**
 * Runs `action` while the file `path` is ours. It is removed afterwards, and by the next one when its owner was killed.
 *
 * @throws the signal's reason when aborted; the system's error when the file cannot be made.
 */
export async function withExclusive<T>(path: string, signal: AbortSignal, action: () => T): Promise<T> {
  const owner = newOwner()
  while (!tryTake(path, owner)) {
    if (!removeAbandoned(path))
      await delay(20 + Math.random() * 80, undefined, { signal }).catch(() => undefined)
    signal.throwIfAborted()
  }
  try {
    return action()
  } finally {
    // Who is taken for dead from elsewhere has a successor.
    if (read(path)?.text === owner) rmSync(path, { force: true })
  }
}

function tryTake(path: string, owner: string): boolean {
  const file = tryOpen(path)
  if (file === undefined) return false
  try {
    // Who reads it before the owner's name is in it knows nothing of its holder, and waits.
    writeFileSync(file, owner)
    return true
  } catch (error) {
    // A full disk: nobody could tell whose it is.
    rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
}

function tryOpen(path: string): number | undefined {
  try {
    return openSync(path, 'wx')
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error
    return undefined
  }
}

/** True when there is something to gain by trying again at once. */
function removeAbandoned(path: string): boolean {
  const held = read(path)
  if (held === undefined) return true
  if (!isAbandoned(held)) return false
  // By a rename, which only one of several that have seen this can do; then a look whether it was still that one.
  const grave = `${path}.${newOwner()}`
  try {
    renameSync(path, grave)
    if (read(grave)?.text !== held.text) linkSync(grave, path)
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes(systemErrorCode(error) ?? '')) throw error
  } finally {
    rmSync(grave, { force: true })
  }
  return true
}

interface Held {
  readonly text: string
  /** Also of one whose time lies ahead, written by a clock that was wrong. */
  readonly ageMs: number
}

function read(path: string): Held | undefined {
  try {
    return { text: readFileSync(path, 'utf8'), ageMs: Math.abs(Date.now() - statSync(path).mtimeMs) }
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error
    return undefined
  }
}

function isAbandoned({ text, ageMs }: Held): boolean {
  const owner = parseOwner(text)
  const state = owner === undefined ? 'unknown' : judge(owner)
  return state === 'dead' || (state === 'unknown' && ageMs > unknownMs)
}
