/** One overlay of ours and one of qemu-img's on the same base, side by side; and what both have to agree in. */
import { join } from 'node:path'
import { createOverlay, type OverlayBase } from '../../src/qcow2/create.js'
import { qemuImg, qemuIo } from '../support/qemu.js'

export interface OverlayCase {
  readonly sizeBytes: number
  readonly extendedL2: boolean
  readonly dense: boolean
}

export interface Pair {
  readonly ours: string
  readonly theirs: string
}

/** Makes both overlays in `directory`. */
export async function makePair(directory: string, base: OverlayBase, overlay: OverlayCase): Promise<Pair> {
  const [ours, theirs] = [join(directory, 'ours'), join(directory, 'theirs')]
  createOverlay(ours, base, overlay)
  const options = `extended_l2=${overlay.extendedL2 ? 'on' : 'off'}`
  const backing = ['-b', base.path, '-F', base.format]
  await qemuImg('create', '-f', 'qcow2', ...backing, '-o', options, theirs, String(overlay.sizeBytes))
  return { ours, theirs }
}

/** Runs the same on both, at the same time. */
export async function onBoth<Result>(
  { ours, theirs }: Pair,
  action: (path: string) => Promise<Result>,
): Promise<{ readonly ours: Result; readonly theirs: Result }> {
  const [first, second] = await Promise.all([action(ours), action(theirs)])
  return { ours: first, theirs: second }
}

/** All that qemu-img says of the chain, but for the name of the overlay and how much of the disk the files take. */
export async function chainOf(path: string): Promise<unknown> {
  const printed = await qemuImg('info', '-f', 'qcow2', '--backing-chain', '--output=json', path)
  return JSON.parse(printed, (key: string, value: unknown) => {
    if (key === 'actual-size') return undefined
    return value === path ? 'OVERLAY' : value
  })
}

/** What `qemu-img check` counts and complains of, in its own fields. */
export async function checkOf(path: string): Promise<unknown> {
  return JSON.parse(await qemuImg('check', '-f', 'qcow2', '--output=json', path), (_, value: unknown) =>
    value === path ? 'OVERLAY' : value,
  )
}

/** Runs commands of qemu-io on both. */
export async function script(pair: Pair, commands: readonly string[]): Promise<void> {
  await onBoth(pair, (path) => qemuIo(path, ...commands))
}

/** `qemu-img compare` of two images; rejects when they differ. */
export async function compare(a: string, b: string, formatOfB = 'qcow2'): Promise<string> {
  return qemuImg('compare', '-T', 'unsafe', '-f', 'qcow2', '-F', formatOfB, a, b)
}
