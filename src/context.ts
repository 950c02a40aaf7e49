/**
 * Context: what every impure step needs to know, made once from options, environment, configuration file and defaults,
 * then frozen and passed as the last argument.
 */
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Arch, hostArch, parseArch } from './arch.js'
import { currentEnvironment, type Environment } from './environment.js'
import { createHttp, type Http } from './http/http.js'
import {
  directoryOf,
  readDirectories,
  readKeep,
  readMirror,
  readNumber,
  readOnUnavailable,
  readProxy,
  readSize,
  readSwitch,
  readTrust,
} from './option-values.js'
import { type KeepPolicy, type OnUnavailable, type Options, variables } from './options.js'
import type { Report } from './report.js'
import type { Trust } from './trust.js'

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
  readonly keepMaxBytes: number
  readonly onUnavailable: OnUnavailable
  readonly pinFile: string | undefined
  /** Undefined: nobody said; then it depends on {@link isCi} and on whether there are pins. */
  readonly frozen: boolean | undefined
  /** Whether `$CI` is set: nobody watches, and two runs of one commit shall see the same. */
  readonly isCi: boolean
  readonly collect: boolean
  readonly maxCacheBytes: number
  readonly maxCacheAgeMs: number
  readonly shared: boolean
  readonly minimumTrust: Trust
  readonly report: Report
  readonly signal: AbortSignal
  readonly http: Http
  /** Milliseconds since 1970; a seam for tests. */
  readonly now: () => number
}

/**
 * Makes a context. Nothing is read, created or asked for yet: directories appear when the first image is stored.
 *
 * @param file the options of the configuration file, which count where neither an option nor a variable is set.
 * @throws VmImageError INVALID_CONFIG when an option or variable has a value that means nothing.
 */
export function makeContext(
  given: Options = {},
  env: Environment = currentEnvironment(),
  file: Options = {},
): Context {
  const options = Object.keys(file).length === 0 ? given : overFile(given, file, env)
  const mirror = readMirror(options.mirror ?? env[variables.mirror])
  const offline = options.offline ?? readSwitch(variables.offline, env) ?? false
  const pinFile = options.pinFile ?? (env[variables.pinFile] || undefined)
  return Object.freeze({
    cacheDir: directoryOf('cacheDir', options.cacheDir ?? cacheDirIn(env)),
    overlayDir: directoryOf('overlayDir', options.overlayDir ?? overlayDirIn(env)),
    extraCacheDirs: readDirectories('extraCacheDirs', options.extraCacheDirs, env[variables.extraCacheDirs]),
    offline,
    arch: options.arch === undefined ? hostArch() : parseArch(options.arch),
    mirror,
    maxResolveAgeMs:
      3_600_000 * readNumber(variables.maxResolveAgeHours, options.maxResolveAgeHours, env, 24),
    keep: readKeep(variables.keep, options.keep ?? env[variables.keep]),
    keepLast: readNumber(variables.keepLast, options.keepLast, env, 5),
    keepMaxBytes: readSize(variables.keepMaxSize, options.keepMaxSize, env, '10G'),
    onUnavailable: readOnUnavailable(
      variables.onUnavailable,
      options.onUnavailable ?? env[variables.onUnavailable],
    ),
    pinFile: pinFile === undefined ? undefined : resolve(pinFile),
    frozen: options.frozen ?? readSwitch(variables.frozen, env),
    isCi: !['', '0', 'false'].includes(env['CI'] ?? ''),
    collect: options.collect ?? readSwitch(variables.collect, env) ?? true,
    maxCacheBytes: readSize(variables.maxCacheSize, options.maxCacheSize, env, '20G'),
    maxCacheAgeMs: 86_400_000 * readNumber(variables.maxCacheAgeDays, options.maxCacheAgeDays, env, 30),
    shared: options.shared ?? readSwitch(variables.shared, env) ?? false,
    minimumTrust: readTrust(variables.minimumTrust, options.minimumTrust ?? env[variables.minimumTrust]),
    report: options.report ?? ignore,
    signal: options.signal ?? new AbortController().signal,
    http: createHttp({ mirror, offline, proxy: readProxy(env) }),
    now: Date.now,
  })
}

/** The options, and those of a configuration file that neither an option nor a variable overrules. */
export function overFile(options: Options, file: Options, env: Environment = currentEnvironment()): Options {
  const set = Object.entries(variables).filter(([, variable]) => env[variable])
  const overruled = new Set(set.map(([name]) => name))
  const left = Object.entries(file).filter(([name]) => !overruled.has(name))
  const said = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries([...left, ...said])
}

/** The configuration file that `VMIMAGE_CONFIG` names. */
export function configFromEnvironment(env: Environment = currentEnvironment()): string | undefined {
  return env['VMIMAGE_CONFIG'] || undefined
}

/** The images named in `VMIMAGE_IMAGES`: a list with commas or blanks, `fedora, debian:13`. */
export function imagesFromEnvironment(env: Environment = currentEnvironment()): readonly string[] {
  return (env['VMIMAGE_IMAGES'] ?? '').split(/[\s,]+/).filter((name) => name !== '')
}

function ignore(): void {
  // Nobody asked to be told.
}

function overlayDirIn(env: Environment): string {
  return env[variables.overlayDir] || defaultOverlayDir()
}

function cacheDirIn(env: Environment): string {
  return env[variables.cacheDir] || join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'vmimage')
}

/** /var/tmp survives reboots and is a disk on every distribution; /tmp is often a tmpfs that an overlay can fill. */
export function defaultOverlayDir(): string {
  const parent = process.platform === 'linux' ? '/var/tmp' : tmpdir()
  // Not userInfo(): in a container the uid often has no entry in /etc/passwd.
  return join(parent, `vmimage-${process.getuid?.() ?? 0}`)
}
