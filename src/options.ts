/**
 * Options: what a caller may set, and the environment variable of each. context.ts reads them; an option wins over its
 * variable.
 */
import type { Report } from './report.js'
import type { Trust } from './trust.js'

export type KeepPolicy = 'never' | 'on-failure' | 'always'

/** What becomes of a test whose image cannot be had for want of a network. */
export type OnUnavailable = 'fail' | 'skip'

/** What a caller may set. Most have an environment variable of the same meaning; an option wins over it. */
export interface Options {
  /** Where base images are cached. Default `$VMIMAGE_CACHE_DIR`, else `$XDG_CACHE_HOME/vmimage`, else `~/.cache/vmimage`. */
  readonly cacheDir?: string | undefined
  /** Where overlays live. Default `$VMIMAGE_OVERLAY_DIR`, else `/var/tmp/vmimage-<uid>`: a disk, not a tmpfs. */
  readonly overlayDir?: string | undefined
  /** Caches that are read and never written: of another user, or of Avocado. Default `$VMIMAGE_EXTRA_CACHE_DIRS`, paths with `:` between, else none. */
  readonly extraCacheDirs?: readonly string[] | undefined
  /** True: fail before any socket is opened. Default `$VMIMAGE_OFFLINE`, else false. */
  readonly offline?: boolean | undefined
  /** Architecture of the images that are asked for without one. Default: this machine's. */
  readonly arch?: string | undefined
  /** `http://host/prefix`: every `https://site/path` is asked there, as `http://host/prefix/site/path`. Default `$VMIMAGE_MIRROR`, else none. */
  readonly mirror?: string | undefined
  /** For how many hours a name stays resolved to the same build before the publisher is asked again. Default `$VMIMAGE_MAX_RESOLVE_AGE`, else 24. */
  readonly maxResolveAgeHours?: number | undefined
  /** Which overlays outlive their test. Default `$VMIMAGE_KEEP`, else `'on-failure'`. */
  readonly keep?: KeepPolicy | undefined
  /** How many failed tests of a run have their disks kept, the first ones; those of earlier runs make room. Default `$VMIMAGE_KEEP_LAST`, else 5. */
  readonly keepLast?: number | undefined
  /** How much of the disk kept disks may take, in bytes or as `'10G'`; those of earlier runs make room, the oldest first. Default `$VMIMAGE_KEEP_MAX_SIZE`, else `'10G'`. */
  readonly keepMaxSize?: string | number | undefined
  /** What becomes of a test whose image cannot be had for want of a network. Default `$VMIMAGE_ON_UNAVAILABLE`, else `'fail'`. */
  readonly onUnavailable?: OnUnavailable | undefined
  /** Where the pins are: a file like `vmimage.lock.json`. Default `$VMIMAGE_PIN_FILE`, else the nearest of that name, upwards from the project. */
  readonly pinFile?: string | undefined
  /** True: only what is pinned is used, and nothing is resolved anew. Default `$VMIMAGE_FROZEN`, else true where `$CI` is set and there are pins. */
  readonly frozen?: boolean | undefined
  /** False: no run collects what the cache holds beyond its two limits. Default `$VMIMAGE_COLLECT`, else true: at most once a day. */
  readonly collect?: boolean | undefined
  /** How much of the disk base images may take, in bytes or as `'20G'`; the least recently used go first. Default `$VMIMAGE_MAX_CACHE_SIZE`, else `'20G'`. */
  readonly maxCacheSize?: string | number | undefined
  /** After how many days without use a base image may go. Default `$VMIMAGE_MAX_CACHE_AGE`, else 30. */
  readonly maxCacheAgeDays?: number | undefined
  /** True: the cache belongs to a group of users, who can all write to it and trust each other. Default `$VMIMAGE_SHARED`, else false. */
  readonly shared?: boolean | undefined
  /** The least trust that an image must have: `unverified`, `checksum`, `signed` or `pinned`. Default `$VMIMAGE_MINIMUM_TRUST`, else `checksum`. */
  readonly minimumTrust?: Trust | undefined
  /** Told of each step: progress, waits, warnings. Default: nobody. */
  readonly report?: Report | undefined
  /** Ends every wait when aborted. Default: never. */
  readonly signal?: AbortSignal | undefined
}

/** The variable of each option that has one. */
export const variables = {
  cacheDir: 'VMIMAGE_CACHE_DIR',
  overlayDir: 'VMIMAGE_OVERLAY_DIR',
  extraCacheDirs: 'VMIMAGE_EXTRA_CACHE_DIRS',
  offline: 'VMIMAGE_OFFLINE',
  mirror: 'VMIMAGE_MIRROR',
  maxResolveAgeHours: 'VMIMAGE_MAX_RESOLVE_AGE',
  keep: 'VMIMAGE_KEEP',
  keepLast: 'VMIMAGE_KEEP_LAST',
  keepMaxSize: 'VMIMAGE_KEEP_MAX_SIZE',
  onUnavailable: 'VMIMAGE_ON_UNAVAILABLE',
  pinFile: 'VMIMAGE_PIN_FILE',
  frozen: 'VMIMAGE_FROZEN',
  collect: 'VMIMAGE_COLLECT',
  maxCacheSize: 'VMIMAGE_MAX_CACHE_SIZE',
  maxCacheAgeDays: 'VMIMAGE_MAX_CACHE_AGE',
  shared: 'VMIMAGE_SHARED',
  minimumTrust: 'VMIMAGE_MINIMUM_TRUST',
} as const satisfies Partial<Record<keyof Options, string>>
