/**
 * One collector at a time: a second one has nothing to do. The lock is a file with its owner in it, because a collector
 * is synchronous in its steps and needs no heartbeat; one that died blocks nobody.
 */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDiskFull } from '../disk-full.js'
import { systemErrorCode } from '../errors.js'
import type { CacheLayout } from './layout.js'
import { judge, newOwner, parseOwner } from './owner.js'
import { whenReadable } from './readable.js'
import { discard } from './trash.js'

/** How long a collector that cannot be judged from here is believed to work. */
const forgottenMs = 3_600_000
/** How long one is believed to be on its way that has made the file and not yet written its name. */
const namelessMs = 30_000

export function collectorLockPath({ locks }: CacheLayout): string {
  return join(locks, 'gc')
}

/** Whether a collector died at its work. */
export function isCollectorDead(layout: CacheLayout): boolean {
  const owner = parseOwner(readText(collectorLockPath(layout)) ?? '')
  return owner !== undefined && judge(owner) === 'dead'
}

/** Runs `collect` as the only collector of this cache; undefined, at once, when another one is at it. */
export async function asOnlyCollector<T>(
  layout: CacheLayout,
  now: number,
  collect: () => Promise<T>,
): Promise<T | undefined> {
  const path = collectorLockPath(layout)
  const owner = newOwner()
  if (!tryTake(path, owner)) {
    if (isAtWork(path, now)) return undefined
    // Of several who see a dead one, two may come to collect: each removes only what nobody holds.
    discard(layout, path)
    if (!tryTake(path, owner)) return undefined
  }
  try {
    return await collect()
  } finally {
    if (readText(path) === owner) rmSync(path, { force: true })
  }
}

function tryTake(path: string, owner: string): boolean {
  try {
    writeFileSync(path, owner, { flag: 'wx', mode: 0o644 })
    return true
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false
    if (!isDiskFull(error)) throw error
    // A full disk is what a collector is called for; an empty file of ours would keep the others away.
    rmSync(path, { force: true })
    return true
  }
}

function isAtWork(path: string, now: number): boolean {
  const text = readText(path)
  const owner = parseOwner(text ?? '')
  const verdict = owner === undefined ? 'unknown' : judge(owner)
  if (verdict !== 'unknown') return verdict === 'alive'
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat !== undefined && Math.abs(now - stat.mtimeMs) < (text === '' ? namelessMs : forgottenMs)
}

function readText(path: string): string | undefined {
  return whenReadable(() => readFileSync(path, 'utf8'))
}
