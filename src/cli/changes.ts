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
  const found = askedDisk(disk, options)
  const { ranges, ...sums } = await found.changes()
  if (options.json) return printValue({ ...sums, ...(options.ranges && { ranges: [...ranges] }) })
  printRows([
    ['written', sizeText(sums.bytes)],
    ['zeroed', sizeText(sums.zeroedBytes)],
    ['clusters', `${sums.clusters} of ${sizeText(sums.clusterBytes)}`],
    ['takes', sizeText(sums.allocatedBytes)],
    ...((await found.info()).isOpen
      ? [['note', 'a machine has it open: what QEMU has not put into the tables yet is missing here']]
      : []),
  ])
  if (!options.ranges) return
  printRows([])
  // As they come, and there may be millions: no column waits for the longest.
  printRows([rangeRow('OFFSET', 'LENGTH', 'KIND')])
  for (const { offset, length, kind } of ranges) printRows([rangeRow(String(offset), String(length), kind)])
}

/** Room for 16 digits each: no disk has more. */
function rangeRow(offset: string, length: string, kind: string): readonly string[] {
  return [offset.padStart(16), length.padStart(16), kind]
}
