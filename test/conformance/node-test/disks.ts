/**
 * The two disks that each scenario opens together: one on a file where it lies, and one on a system that is asked for
 * by name, which is fetched from a mirror by the first who asks.
 */
import { type NodeTestContext, useVmImage } from 'vmimage/node-test'
import { asDisks, codesOf, type Disks } from './look.js'

const { IMAGE: file = '' } = process.env
const inputs = [file, 'debian:13'] as const

/** @param context of the test. Default: whose call it is, Node has to know. */
export async function openDisks(context?: NodeTestContext): Promise<Disks> {
  return asDisks(await Promise.all(open(context)))
}

/** The code with which a call for either of the two is refused. */
export function refusal(context?: NodeTestContext): Promise<string> {
  return codesOf(open(context))
}

function open(context?: NodeTestContext) {
  return inputs.map((input) => (context ? useVmImage(context, input) : useVmImage(input)))
}
