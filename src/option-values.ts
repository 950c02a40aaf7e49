/** How the values of options and variables are read, and what is said of those that mean nothing. */
import { resolve } from 'node:path'
import { VmImageError } from './errors.js'
import type { Environment } from './environment.js'
import type { KeepPolicy, OnUnavailable } from './options.js'
import { sizeInBytes } from './size.js'
import { isTrust, type Trust, trustNames } from './trust.js'

/** An empty option would silently be the current directory. */
export function directoryOf(name: string, path: string): string {
  if (path === '') throw invalid(name, path, 'the path of a directory')
  return resolve(path)
}

export function readDirectories(
  name: string,
  option: readonly string[] | undefined,
  listedText: string | undefined,
): readonly string[] {
  const listed = (listedText ?? '').split(':').filter((path) => path !== '')
  return (option ?? listed).map((path) => directoryOf(name, path))
}

export function readMirror(value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined
  if (isMirror(value)) return value.replace(/\/+$/, '')
  throw invalid('VMIMAGE_MIRROR', value, 'a URL like http://host/prefix')
}

export function isMirror(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

export function readKeep(variable: string, value: string | undefined): KeepPolicy {
  if (value === undefined || value === '') return 'on-failure'
  if (isKeepPolicy(value)) return value
  throw invalid(variable, value, 'never, on-failure or always')
}

export function isKeepPolicy(value: unknown): value is KeepPolicy {
  return value === 'never' || value === 'on-failure' || value === 'always'
}

export function readOnUnavailable(variable: string, value: string | undefined): OnUnavailable {
  if (value === undefined || value === '') return 'fail'
  if (isOnUnavailable(value)) return value
  throw invalid(variable, value, 'fail or skip')
}

export function isOnUnavailable(value: unknown): value is OnUnavailable {
  return value === 'fail' || value === 'skip'
}

export function readTrust(variable: string, value: string | undefined): Trust {
  if (value === undefined || value === '') return 'checksum'
  if (isTrust(value)) return value
  throw invalid(variable, value, trustNames)
}

/** Undefined where the variable is not set. */
export function readSwitch(variable: string, env: Environment): boolean | undefined {
  const value = env[variable]
  if (value === undefined || value === '') return undefined
  if (value === '0' || value === 'false') return false
  if (value === '1' || value === 'true') return true
  throw invalid(variable, value, '1 (or true) for yes, 0 (or false) for no')
}

export function readNumber(
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

export function readSize(
  variable: string,
  option: string | number | undefined,
  env: Environment,
  fallback: string,
): number {
  const value = option ?? (env[variable] || fallback)
  const bytes = sizeInBytes(value)
  if (bytes !== undefined) return bytes
  throw invalid(variable, String(value), 'a number of bytes, or one with a unit as in "512M", "20G", "1T"')
}

/** ALL_PROXY is often that of another protocol (socks5), which is not spoken here. */
export function readProxy(env: Environment) {
  const all = env['all_proxy'] ?? env['ALL_PROXY'] ?? ''
  const other = /^socks/i.test(all) ? undefined : all
  return {
    http: env['http_proxy'] ?? env['HTTP_PROXY'] ?? other,
    https: env['https_proxy'] ?? env['HTTPS_PROXY'] ?? other,
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
