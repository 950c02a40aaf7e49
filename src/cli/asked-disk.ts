/** What the commands about one disk have in common: how it is named, and found. */
import { type Disk, diskAt } from '../image/disk-at.js'
import type { CommandOptions } from './command.js'

export const diskArgument = 'path of an overlay, or the name of a kept disk as "vmimage kept" shows it'

export const diskOptions = {
  '--base <file>': 'the base image, where the header of the overlay is not to be believed',
} as const

/** Everything that the disk stands on is known then. */
export function askedDisk(asked: string, options: CommandOptions): Disk {
  return diskAt(asked, options)
}
