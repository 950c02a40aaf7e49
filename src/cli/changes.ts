/** `vmimage changes DISK`: how much was written to an overlay, and where. */
import { sizeText } from '../progress-text.js'
import { askedDisk, diskArgument, diskOptions } from './asked-disk.js'
import type { Command, CommandOptions } from './command.js'
import { printRows, printValue } from './print.js'

export const changesCommand: Command = {
  usage: 'changes <disk>',
  purpose: "say how much was written to a test's disk, and with --ranges where",
  arguments: { disk: diskArgument },
  options: { '--json': 'print one JSON object', '--ranges': 'each changed range too', ...diskOptions },
  action: ([disk = ''], options) => showChanges(disk, options),
}

async function showChanges(disk: string, options: CommandOptions): Promise<void> {
  const { ranges, ...sums } = await askedDisk(disk, options).changes()
  if (options.json) return printValue({ ...sums, ...(options.ranges && { ranges: [...ranges] }) })
  printRows([
    ['written', sizeText(sums.bytes)],
    ['zeroed', sizeText(sums.zeroedBytes)],
    ['clusters', `${sums.clusters} of ${sizeText(sums.clusterBytes)}`],
    ['takes', sizeText(sums.allocatedBytes)],
  ])
  if (!options.ranges) return
  printRows([[], ['OFFSET', 'LENGTH', 'KIND']])
  for (const { offset, length, kind } of ranges) printRows([[String(offset), String(length), kind]])
}
