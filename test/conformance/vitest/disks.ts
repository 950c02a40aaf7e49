/**
 * The two disks that each scenario opens together: one on a file where it lies, and one on a system that is asked for
 * by name, which the global setup fetched from a mirror.
 */
import { existsSync } from 'node:fs'
import { useVmImage, type UseVmImageOptions } from 'vmimage/vitest'

const { IMAGE: file = '' } = process.env
const inputs = [file, 'debian:13'] as const

export interface Disks {
  readonly paths: readonly string[]
  /** Whether the disks are there by now. */
  look(): 'there' | 'gone' | 'half gone'
  dispose(): Promise<void>
}

export async function openDisks(options?: UseVmImageOptions): Promise<Disks> {
  const images = await Promise.all(inputs.map((input) => useVmImage(input, options)))
  const paths = images.map(({ path }) => path)
  return {
    paths,
    look: () => lookAt(paths),
    dispose: async () => void (await Promise.all(images.map((image) => image.dispose()))),
  }
}

export function lookAt(paths: readonly string[]): 'there' | 'gone' | 'half gone' {
  const there = paths.filter((path) => existsSync(path)).length
  if (there === paths.length) return 'there'
  return there === 0 ? 'gone' : 'half gone'
}

/** The code with which a call for either of the two is refused; both alike, or both are named. */
export async function refusal(options?: UseVmImageOptions): Promise<string> {
  const codes = await Promise.all(inputs.map((input) => codeOf(useVmImage(input, options))))
  return [...new Set(codes)].join(' and ')
}

export function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'a disk',
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error)),
  )
}
