/**
 * state.json: where the bytes of a part came from, so that a later request, by this process or by the next owner of
 * the directory, can go on where they end.
 */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemErrorCode } from '../errors.js'

export interface PartState {
  /** Where the last bytes came from, after redirects, on the publisher's side. */
  readonly url: string
  /** What If-Range may hold for that host; undefined when it sent nothing strong enough. */
  readonly validator: string | undefined
  /** Size of the whole file; undefined when the server did not say. */
  readonly totalBytes: number | undefined
}

/** The state written last, or undefined when there is none, or one that a crash or another version left unreadable. */
export async function readPartState(directory: string): Promise<PartState | undefined> {
  try {
    return parsePartState(await readFile(statePath(directory), 'utf8'))
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined
    throw error
  }
}

/** A full disk leaves empty files behind: the new state is written beside the old one and then takes its name. */
export async function writePartState(directory: string, state: PartState): Promise<void> {
  const temporary = `${statePath(directory)}.new`
  await writeFile(temporary, `${JSON.stringify(state)}\n`, { mode: 0o600 })
  await rename(temporary, statePath(directory))
}

export async function removePartState(directory: string): Promise<void> {
  await rm(statePath(directory), { force: true })
}

function parsePartState(text: string): PartState | undefined {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) return undefined
  const [url, validator, totalBytes]: unknown[] = ['url', 'validator', 'totalBytes'].map((key) =>
    Reflect.get(value, key),
  )
  if (typeof url !== 'string' || !URL.canParse(url)) return undefined
  return {
    url,
    validator: typeof validator === 'string' ? validator : undefined,
    totalBytes: typeof totalBytes === 'number' ? totalBytes : undefined,
  }
}

function statePath(directory: string): string {
  return join(directory, 'state.json')
}
