/**
 * The two disks that each scenario opens together: one on a file where it lies, and one on a system that is asked for
 * by name, which the global setup fetched from a mirror.
 */
import { useVmImage, type UseVmImageOptions } from 'vmimage/jest'
import { asDisks, codesOf, type Disks } from './look.js'

const { IMAGE: file = '' } = process.env
const inputs = [file, 'debian:13'] as const

export async function openDisks(options?: UseVmImageOptions): Promise<Disks> {
  return asDisks(await Promise.all(inputs.map((input) => useVmImage(input, options))))
}

/** The code with which a call for either of the two is refused. */
export function refusal(): Promise<string> {
  return codesOf(inputs.map((input) => useVmImage(input)))
}
