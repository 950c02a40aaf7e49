/** What a configuration file gives: JSON is parsed, a module is imported, TypeScript by Node itself. */
import { existsSync, readFileSync } from 'node:fs'
import { basename, extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { systemErrorCode, VmImageError } from '../errors.js'

/**
 * What is in the file, not checked in any way.
 *
 * @throws VmImageError INVALID_CONFIG when it does not exist, is no JSON, or fails as a module; or is TypeScript, which
 * Node reads from 22.18 on.
 */
export async function readConfig(file: string): Promise<unknown> {
  // Of a module that is missing Node says the same whether it is this one or one that this one imports.
  if (!existsSync(file)) throw unreadable(file, 'the file does not exist')
  if (basename(file) === 'package.json') return readPackageKey(file)
  return extname(file) === '.json' ? readJson(file) : importDefault(file)
}

/** What a package.json has under `vmimage`. */
export function readPackageKey(file: string): unknown {
  const manifest = readJson(file)
  return typeof manifest === 'object' && manifest !== null && 'vmimage' in manifest
    ? manifest.vmimage
    : undefined
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw unreadable(file, error)
  }
}

async function importDefault(file: string): Promise<unknown> {
  try {
    const module: { readonly default?: unknown } = await import(pathToFileURL(file).href)
    return module.default
  } catch (error) {
    // Not asked of the version: a loader like tsx teaches an older Node to read it.
    const isUnread = systemErrorCode(error) === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.m?ts$/.test(file)
    throw isUnread ? noTypeScript(file, error) : unreadable(file, error)
  }
}

function unreadable(file: string, cause: unknown): VmImageError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new VmImageError(
    'INVALID_CONFIG',
    `Cannot read the configuration "${file}": ${reason}\n` +
      'Correct the file, or the path to it in --config or VMIMAGE_CONFIG; docs/config.md has an example.',
    { cause },
  )
}

function noTypeScript(file: string, cause: unknown): VmImageError {
  return new VmImageError(
    'INVALID_CONFIG',
    `Cannot read the configuration "${file}": Node ${process.versions.node} does not read TypeScript, expected 22.18 or newer.\n` +
      'Write it in JavaScript, as vmimage.config.mjs, or use Node 22.18 or newer.',
    { cause },
  )
}
