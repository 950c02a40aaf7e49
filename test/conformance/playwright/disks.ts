/**
 * The two disks that each scenario opens together: one on a file where it lies, and one on a system that is asked for
 * by name, which was fetched from a mirror.
 */
import type { OpenVmImage } from 'vmimage/playwright'
import { asDisks, codesOf, type Disks } from './look.js'

const { IMAGE: file = '' } = process.env
const inputs = [file, 'debian:13'] as const

export async function openDisks(vmImage: OpenVmImage): Promise<Disks> {
  return asDisks(await Promise.all(inputs.map((input) => vmImage(input))))
}

/** The code with which a call for either of the two is refused. */
export function refusal(vmImage: OpenVmImage): Promise<string> {
  return codesOf(inputs.map((input) => vmImage(input)))
}
