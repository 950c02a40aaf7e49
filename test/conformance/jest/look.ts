/** Whether disks are there by now, and with which code a call for one is refused. */
import { existsSync } from 'node:fs'

export type Look = 'there' | 'gone' | 'half gone'

export interface Disks {
  readonly paths: readonly string[]
  look(): Look
  dispose(): Promise<void>
}

interface Disk {
  readonly path: string
  dispose(): Promise<void>
}

export function asDisks(images: readonly Disk[]): Disks {
  const paths = images.map(({ path }) => path)
  return {
    paths,
    look: () => lookAt(paths),
    dispose: async () => void (await Promise.all(images.map((image) => image.dispose()))),
  }
}

export function lookAt(paths: readonly string[]): Look {
  const there = paths.filter((path) => existsSync(path)).length
  if (there === paths.length) return 'there'
  return there === 0 ? 'gone' : 'half gone'
}

/** All codes alike, or all are named. */
export async function codesOf(calls: readonly Promise<unknown>[]): Promise<string> {
  const codes = await Promise.all(calls.map(codeOf))
  return [...new Set(codes)].join(' and ')
}

export function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'a disk',
    (error: unknown) => (hasCode(error) ? String(error.code) : String(error)),
  )
}

/** Not by `instanceof`: a test may run in another realm than what it calls. */
function hasCode(error: unknown): error is { readonly code: unknown } {
  return typeof error === 'object' && error !== null && 'code' in error
}
