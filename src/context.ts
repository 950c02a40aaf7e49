/**
 * Context: what every impure step needs to know, made once from options, environment and defaults, then frozen and
 * passed as the last argument. This is the only reader of `process.env`.
 */
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Arch, hostArch, parseArch } from './arch.js'
import { VmImageError } from './errors.js'
import { createHttp, type Http } from './http/http.js'
import type { Report } from './report.js'

export type KeepPolicy = 'never' | 'on-failure' | 'always'

/** What a caller may set. Each has an environment variable of the same meaning; an option wins over it. */
export interface Options {
  /** Where base images are cached. Default `$VMIMAGE_CACHE_DIR`, else `$XDG_CACHE_HOME/vmimage`, else `~/.cache/vmimage`. */
  readonly cacheDir?: string | undefined
  /** Where overlays live. Default `$VMIMAGE_OVERLAY_DIR`, else `/var/tmp/vmimage-<uid>`: a disk, not a tmpfs. */
  readonly overlayDir?: string | undefined
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
  /** Told of each step: progress, waits, warnings. Default: nobody. */
  readonly report?: Report | undefined
  /** Ends every wait when aborted. Default: never. */
  readonly signal?: AbortSignal | undefined
}

export interface Context {
  readonly cacheDir: string
  readonly overlayDir: string
  readonly offline: boolean
  readonly arch: Arch
  readonly mirror: string | undefined
  readonly maxResolveAgeMs: number
  readonly keep: KeepPolicy
  readonly keepLast: number
  readonly report: Report
  readonly signal: AbortSignal
  readonly http: Http
  /** Milliseconds since 1970; a seam for tests. */
  readonly now: () => number
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Makes a context. Nothing is read, created or asked for yet: directories appear when the first image is stored.
 *
 * @throws VmImageError INVALID_CONFIG when an option or variable has a value that means nothing.
 */
export function makeContext(options: Options = {}, env: Environment = process.env): Context {
  const mirror = readMirror(options.mirror ?? env['VMIMAGE_MIRROR'])
  const offline = options.offline ?? readSwitch('VMIMAGE_OFFLINE', env['VMIMAGE_OFFLINE'])
  return Object.freeze({
    cacheDir: directoryOf('cacheDir', options.cacheDir, env['VMIMAGE_CACHE_DIR'] || defaultCacheDir(env)),
    overlayDir: directoryOf(
      'overlayDir',
      options.overlayDir,
      env['VMIMAGE_OVERLAY_DIR'] || defaultOverlayDir(),
    ),
    offline,
    arch: options.arch === undefined ? hostArch() : parseArch(options.arch),
    mirror,
    maxResolveAgeMs: 3_600_000 * readNumber('VMIMAGE_MAX_RESOLVE_AGE', options.maxResolveAgeHours, env, 24),
    keep: readKeep(options.keep ?? env['VMIMAGE_KEEP']),
    keepLast: readNumber('VMIMAGE_KEEP_LAST', options.keepLast, env, 5),
    report: options.report ?? ignore,
    signal: options.signal ?? new AbortController().signal,
    http: createHttp({ mirror, offline, proxy: readProxy(env) }),
    now: Date.now,
  })
}

/** The images named in `VMIMAGE_IMAGES`: a list with commas or blanks, `fedora, debian:13`. */
export function imagesFromEnvironment(env: Environment = process.env): readonly string[] {
  return (env['VMIMAGE_IMAGES'] ?? '').split(/[\s,]+/).filter((name) => name !== '')
}

function ignore(): void {
  // Nobody asked to be told.
}

function defaultCacheDir(env: Environment): string {
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'vmimage')
}

/** /var/tmp survives reboots and is a disk on every distribution; /tmp is often a tmpfs that an overlay can fill. */
export function defaultOverlayDir(): string {
  const parent = process.platform === 'linux' ? '/var/tmp' : tmpdir()
  // Not userInfo(): in a container the uid often has no entry in /etc/passwd.
  return join(parent, `vmimage-${process.getuid?.() ?? 0}`)
}

/** An empty option would silently be the current directory. */
function directoryOf(name: string, option: string | undefined, fallback: string): string {
  if (option === '') throw invalid(name, option, 'the path of a directory')
  return resolve(option ?? fallback)
}

function readMirror(value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return value.replace(/\/+$/, '')
  throw invalid('VMIMAGE_MIRROR', value, 'a URL like http://host/prefix')
}

function readKeep(value: string | undefined): KeepPolicy {
  if (value === undefined || value === '') return 'on-failure'
  if (value === 'never' || value === 'on-failure' || value === 'always') return value
  throw invalid('VMIMAGE_KEEP', value, 'never, on-failure or always')
}

function readSwitch(variable: string, value: string | undefined): boolean {
  if (value === undefined || value === '' || value === '0' || value === 'false') return false
  if (value === '1' || value === 'true') return true
  throw invalid(variable, value, '1 (or true) for yes, 0 (or false) for no')
}

function readNumber(
  variable: string,
  option: number | undefined,
  env: Environment,
  fallback: number,
): number {
  const text = env[variable]
  const value = option ?? (text === undefined || text === '' ? fallback : Number(text))
  if (Number.isFinite(value) && value >= 0) return value
  throw invalid(variable, String(option ?? text), 'a number that is not negative')
}

function readProxy(env: Environment) {
  return {
    http: env['http_proxy'] ?? env['HTTP_PROXY'],
    https: env['https_proxy'] ?? env['HTTPS_PROXY'],
    except: env['no_proxy'] ?? env['NO_PROXY'],
  }
}

function invalid(variable: string, value: string, expected: string): VmImageError {
  return new VmImageError(
    'INVALID_CONFIG',
    `Cannot use ${variable}="${value}" (or the option of that meaning): expected ${expected}.\n` +
      'Correct the option or the variable, or leave it out for the default.',
  )
}
