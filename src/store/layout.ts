/**
 * Every path in the cache, and nothing else. The format's version is the name of a directory: another format lives
 * beside this one, and neither touches the other's files.
 *
 *     <cacheDir>/CACHEDIR.TAG            backup programs leave the cache out
 *     <cacheDir>/v1/
 *       images/<algorithm>-<hex>/disk    0444, the base image, unpacked; the name is the publisher's digest of the file served
 *       images/<algorithm>-<hex>/meta.json
 *       ingest/<key>/<owner>/            one process's private download: part, state.json, pub/
 *       locks/<key>.lock/                held while somebody downloads; locks/<key>.owner.json says who
 *       locks/gc                         whoever collects: its owner is the text
 *       run/<owner>/base-<key>           a hard link: this run uses that base; base-<key>.lease where there can be no link
 *       run/<owner>/kept-<hex>           the path of a kept overlay that needs these leases
 *       run/<owner>/who                  the project and the command of the run, for people
 *       resolved/<sha256>.json           what a request resolved to, and when
 *       keys/<FINGERPRINT>.key           0444, a publisher's OpenPGP key that verified something
 *       trash/<owner>/                   renamed out of use; anybody may delete it
 *       collected                        its time is that of the last daily collection
 *
 * An <owner> (owner.ts) in a name says who made the entry, so that ownership moves with a rename and never by a
 * second write.
 */
import { hash } from 'node:crypto'
import { join } from 'node:path'

export interface CacheLayout {
  readonly cacheDir: string
  /** The members of a group write to it: directories and files are open to them. */
  readonly isShared: boolean
  readonly versionDir: string
  readonly images: string
  readonly ingest: string
  readonly locks: string
  readonly runs: string
  readonly resolved: string
  readonly keys: string
  readonly trash: string
}

export function cacheLayout(cacheDir: string, isShared = false): CacheLayout {
  const versionDir = join(cacheDir, 'v1')
  return {
    cacheDir,
    isShared,
    versionDir,
    images: join(versionDir, 'images'),
    ingest: join(versionDir, 'ingest'),
    locks: join(versionDir, 'locks'),
    runs: join(versionDir, 'run'),
    resolved: join(versionDir, 'resolved'),
    keys: join(versionDir, 'keys'),
    trash: join(versionDir, 'trash'),
  }
}

/** The directory that a published image is: it exists whole, or not at all. */
export function imageDirectory(layout: CacheLayout, key: string): string {
  return join(layout.images, key)
}

export function diskPath(layout: CacheLayout, key: string): string {
  return join(layout.images, key, 'disk')
}

export function metaPath(layout: CacheLayout, key: string): string {
  return join(layout.images, key, 'meta.json')
}

export function ingestDirectory(layout: CacheLayout, key: string, owner: string): string {
  return join(layout.ingest, key, owner)
}

export function lockPath(layout: CacheLayout, key: string): string {
  return join(layout.locks, `${key}.lock`)
}

export function lockOwnerPath(layout: CacheLayout, key: string): string {
  return join(layout.locks, `${key}.owner.json`)
}

export function leaseDirectory(layout: CacheLayout, owner: string): string {
  return join(layout.runs, owner)
}

export function leasePath(leaseDir: string, key: string): string {
  return join(leaseDir, `base-${key}`)
}

export function trashPath(layout: CacheLayout, owner: string): string {
  return join(layout.trash, owner)
}

/** Requests are free text, so the file that remembers one is named by the hash of it. */
export function resolutionPath(layout: CacheLayout, requestKey: string): string {
  return join(layout.resolved, `${hashName(requestKey)}.json`)
}

/** @param fingerprint of a primary key, 40 hex digits in upper case. */
export function keyPath(layout: CacheLayout, fingerprint: string): string {
  return join(layout.keys, `${fingerprint}.key`)
}

/** 64 hex digits that stand for any text in a file name. */
export function hashName(text: string): string {
  return hash('sha256', text)
}

/** Where overlays are while their test runs. */
export function overlayRuns(overlayDir: string): string {
  return join(overlayDir, 'run')
}

/** Where the overlays of failed tests are kept. */
export function keptDirectory(overlayDir: string): string {
  return join(overlayDir, 'kept')
}
