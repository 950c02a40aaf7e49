/**
 * Context: what every impure step needs to know, made once from options, environment, configuration file and defaults,
 * then frozen and passed as the last argument. This is the only reader of `process.env`.
 */
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Arch, hostArch, parseArch } from './arch.js'
import { VmImageError } from './errors.js'
import { createHttp, type Http } from './http/http.js'
import type { Report } from './report.js'
import { isTrust, type Trust, trustNames } from './trust.js'

export type KeepPolicy = 'never' | 'on-failure' | 'always'

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
  /** The least trust that an image must have: `unverified`, `checksum`, `signed` or `pinned`. Default `$VMIMAGE_MINIMUM_TRUST`, else `checksum`. */
  readonly minimumTrust?: Trust | undefined
  /** Told of each step: progress, waits, warnings. Default: nobody. */
  readonly report?: Report | undefined
  /** Ends every wait when aborted. Default: never. */
  readonly signal?: AbortSignal | undefined
}

export interface Context {
  readonly cacheDir: string
  readonly overlayDir: string
  readonly extraCacheDirs: readonly string[]
  readonly offline: boolean
  readonly arch: Arch
  readonly mirror: string | undefined
  readonly maxResolveAgeMs: number
  readonly keep: KeepPolicy
  readonly keepLast: number
  readonly minimumTrust: Trust
  readonly report: Report
  readonly signal: AbortSignal
  readonly http: Http
  /** Milliseconds since 1970; a seam for tests. */
  readonly now: () => number
}

type Environment = Readonly<Record<string, string | undefined>>

/** The variable of each option that has one. */
const variables = {
  cacheDir: 'VMIMAGE_CACHE_DIR',
  overlayDir: 'VMIMAGE_OVERLAY_DIR',
  extraCacheDirs: 'VMIMAGE_EXTRA_CACHE_DIRS',
  offline: 'VMIMAGE_OFFLINE',
  mirror: 'VMIMAGE_MIRROR',
  maxResolveAgeHours: 'VMIMAGE_MAX_RESOLVE_AGE',
  keep: 'VMIMAGE_KEEP',
  keepLast: 'VMIMAGE_KEEP_LAST',
  minimumTrust: 'VMIMAGE_MINIMUM_TRUST',
} as const satisfies Partial<Record<keyof Options, string>>

/**
 * Makes a context. Nothing is read, created or asked for yet: directories appear when the first image is stored.
 *
 * @param file the options of the configuration file, which count where neither an option nor a variable is set.
 * @throws VmImageError INVALID_CONFIG when an option or variable has a value that means nothing.
 */
export function makeContext(
  given: Options = {},
  env: Environment = process.env,
  file: Options = {},
): Context {
  const options = overFile(given, file, env)
  const mirror = readMirror(options.mirror ?? env[variables.mirror])
  const offline = options.offline ?? readSwitch(variables.offline, env)
  return Object.freeze({
    cacheDir: directoryOf('cacheDir', options.cacheDir, env[variables.cacheDir] || defaultCacheDir(env)),
    overlayDir: directoryOf(
      'overlayDir',
      options.overlayDir,
      env[variables.overlayDir] || defaultOverlayDir(),
    ),
    extraCacheDirs: readDirectories('extraCacheDirs', options.extraCacheDirs, env),
    offline,
    arch: options.arch === undefined ? hostArch() : parseArch(options.arch),
    mirror,
    maxResolveAgeMs:
      3_600_000 * readNumber(variables.maxResolveAgeHours, options.maxResolveAgeHours, env, 24),
    keep: readKeep(options.keep ?? env[variables.keep]),
    keepLast: readNumber(variables.keepLast, options.keepLast, env, 5),
    minimumTrust: readTrust(options.minimumTrust ?? env[variables.minimumTrust]),
    report: options.report ?? ignore,
    signal: options.signal ?? new AbortController().signal,
    http: createHttp({ mirror, offline, proxy: readProxy(env) }),
    now: Date.now,
  })
}

/** The options, and those of a configuration file that neither an option nor a variable overrules. */
export function overFile(options: Options, file: Options, env: Environment = process.env): Options {
  const set = Object.entries(variables).filter(([, variable]) => env[variable])
  const overruled = new Set(set.map(([name]) => name))
  const left = Object.entries(file).filter(([name]) => !overruled.has(name))
  const said = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries([...left, ...said])
}

/** The configuration file that `VMIMAGE_CONFIG` names. */
export function configFromEnvironment(env: Environment = process.env): string | undefined {
  return env['VMIMAGE_CONFIG'] || undefined
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

function readDirectories(
  name: keyof typeof variables,
  option: readonly string[] | undefined,
  env: Environment,
): readonly string[] {
  const listed = (env[variables[name]] ?? '').split(':').filter((path) => path !== '')
  return (option ?? listed).map((path) => directoryOf(name, path, path))
}

function readMirror(value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined
  if (isMirror(value)) return value.replace(/\/+$/, '')
  throw invalid(variables.mirror, value, 'a URL like http://host/prefix')
}

export function isMirror(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

function readKeep(value: string | undefined): KeepPolicy {
  if (value === undefined || value === '') return 'on-failure'
  if (isKeepPolicy(value)) return value
  throw invalid(variables.keep, value, 'never, on-failure or always')
}

export function isKeepPolicy(value: unknown): value is KeepPolicy {
  return value === 'never' || value === 'on-failure' || value === 'always'
}

function readTrust(value: string | undefined): Trust {
  if (value === undefined || value === '') return 'checksum'
  if (isTrust(value)) return value
  throw invalid(variables.minimumTrust, value, trustNames)
}

function readSwitch(variable: string, env: Environment): boolean {
  const value = env[variable]
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
