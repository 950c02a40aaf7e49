/** Which file of the project a relative import means: as bundlers and TypeScript look for it, with files that exist. */
import { realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { systemErrorCode } from '../errors.js'

const sourceExtensions = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs'] as const

/** TypeScript's files are imported by the names that they will have as JavaScript. */
const written = { '.js': ['.ts', '.tsx'], '.jsx': ['.tsx'], '.mjs': ['.mts'], '.cjs': ['.cts'] } as const

export function isSource(file: string): boolean {
  return sourceExtensions.some((extension) => file.endsWith(extension)) && !/\.d\.[mc]?ts$/.test(file)
}

/** The real path of the file; undefined: there is none, it is no source, or it belongs to a package. */
export function findImported(directory: string, specifier: string): string | undefined {
  const path = join(directory, specifier.replace(/[?#].*$/, ''))
  for (const candidate of candidatesOf(path)) {
    const file = findFile(candidate)
    if (file !== undefined) return /[\\/]node_modules[\\/]/.test(file) ? undefined : file
  }
  return undefined
}

function candidatesOf(path: string): readonly string[] {
  const sources = Object.entries(written).flatMap(([extension, others]) =>
    path.endsWith(extension) ? others.map((other) => path.slice(0, -extension.length) + other) : [],
  )
  const added = sourceExtensions.map((extension) => path + extension)
  const inside = sourceExtensions.map((extension) => join(path, `index${extension}`))
  return [...(isSource(path) ? [path] : []), ...sources, ...added, ...inside]
}

function findFile(path: string): string | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ? realpathSync(path) : undefined
  } catch (error) {
    // A link to itself, a name that is too long, a directory that is closed to us: the import will fail, not the scan.
    if (systemErrorCode(error) === undefined) throw error
    return undefined
  }
}
