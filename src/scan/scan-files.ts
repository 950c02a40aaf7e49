/** scanFiles: the images that test files ask for, by themselves and by the files of the project that they import. */
import { readFile, realpath } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { systemErrorCode } from '../errors.js'
import type { ImageInput } from '../request/request.js'
import { inputKey } from './image-input.js'
import { findImported } from './resolve-relative.js'
import { scanSource, type SourceScan } from './scan-source.js'
import { relativeImportsIn } from './specifier.js'

export interface FilesScan {
  /** Each once, in the order in which they were seen; `places` are `file:line`, from the current directory. */
  readonly images: readonly { readonly input: ImageInput; readonly places: readonly string[] }[]
  /** Calls whose image the source does not tell. */
  readonly unread: readonly { readonly place: string; readonly text: string }[]
  /** Files that could not be read, or are no source. */
  readonly problems: readonly { readonly place: string; readonly message: string }[]
  /** How many files were looked at. */
  readonly fileCount: number
}

/** A larger file is made by a program. */
const maxLength = 1024 ** 2
const maxImported = 5000
/** Files that are read at once. */
const batchSize = 32

interface Findings {
  readonly images: Map<string, { readonly input: ImageInput; readonly places: string[] }>
  readonly unread: { readonly place: string; readonly text: string }[]
  readonly problems: { readonly place: string; readonly message: string }[]
}

/**
 * Reads source files and what they import from their own project, never from a package. What cannot be read is in the
 * answer: nothing is thrown.
 *
 * @param files paths, absolute or from the current directory.
 */
export async function scanFiles(files: readonly string[]): Promise<FilesScan> {
  const findings: Findings = { images: new Map(), unread: [], problems: [] }
  const given = await Promise.all(files.toSorted().map((file) => realpath(file).catch(() => file))) // reading it will say
  const queue = [...new Set(given)]
  const seen = new Set(queue)
  const limit = queue.length + maxImported
  const findOnce = remembering(findImported)
  let next = 0
  while (next < Math.min(queue.length, limit)) {
    const batch = queue.slice(next, Math.min(next + batchSize, limit))
    next += batch.length
    const sources = await Promise.all(batch.map((file) => readSource(file, findings)))
    for (const { file, code } of sources.filter((source) => source !== undefined)) {
      for (const specifier of scanOne(file, code, findings)) {
        const imported = findOnce(dirname(file), specifier)
        if (imported === undefined || seen.has(imported)) continue
        seen.add(imported)
        queue.push(imported)
      }
    }
  }
  const leftOut = queue[limit]
  if (leftOut !== undefined) {
    const message = `It and others are not read: more than ${maxImported} files are imported.`
    findings.problems.push({ place: shown(leftOut), message })
  }
  return { ...findings, images: [...findings.images.values()], fileCount: next }
}

/** Takes what a file asks for into the findings, and returns what it imports. */
function scanOne(file: string, code: string, findings: Findings): readonly string[] {
  // Who asks for an image writes `vmimage` or `useVmImage`: nothing else is worth the time of a parser.
  if (!/vmimage/i.test(code)) return relativeImportsIn(code)
  const { found, unread, imports, problem } = scanned(file, code)
  const place = (line: number) => `${shown(file)}:${line}`
  for (const { input, line } of found) {
    const key = inputKey(input)
    const image = findings.images.get(key) ?? { input, places: [] }
    findings.images.set(key, image)
    image.places.push(place(line))
  }
  findings.unread.push(...unread.map(({ line, text }) => ({ place: place(line), text })))
  if (!problem) return imports
  findings.problems.push({ place: place(problem.line), message: problem.message })
  return relativeImportsIn(code.slice(0, maxLength))
}

function scanned(file: string, code: string): SourceScan {
  if (code.length <= maxLength) return scanSource(code, file)
  const message = `It has ${code.length} characters: more than ${maxLength} are not read.`
  return { found: [], unread: [], imports: [], problem: { line: 1, message } }
}

async function readSource(
  file: string,
  { problems }: Findings,
): Promise<{ readonly file: string; readonly code: string } | undefined> {
  try {
    return { file, code: await readFile(file, 'utf8') }
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === undefined) throw error
    problems.push({ place: shown(file), message: `It cannot be read (${code}).` })
    return undefined
  }
}

/** Hundreds of tests import the same helper: it is looked for once. */
function remembering(find: typeof findImported): typeof findImported {
  const known = new Map<string, string | undefined>()
  return (directory, specifier) => {
    const path = join(directory, specifier)
    if (!known.has(path)) known.set(path, find(directory, specifier))
    return known.get(path)
  }
}

/** A name may hold anything, and a terminal shall not obey it. */
function shown(file: string): string {
  return (relative(process.cwd(), file) || file).replaceAll(/[\p{Cc}\p{Cf}]/gu, '?')
}
