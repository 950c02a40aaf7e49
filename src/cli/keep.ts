/** `vmimage keep DISK`: keeps the disk of a test that is running; of one that is kept, how to boot it. */
import { askedDisk, diskArgument, diskOptions } from './asked-disk.js'
import type { Command, CommandOptions } from './command.js'
import { printRows, printValue } from './print.js'

export const keepCommand: Command = {
  usage: 'keep <disk>',
  purpose: "keep a test's disk whatever becomes of the test, and say how to boot it",
  arguments: { disk: diskArgument },
  options: { '--json': 'print one JSON object', ...diskOptions },
  action: ([disk = ''], options) => keep(disk, options),
}

async function keep(disk: string, options: CommandOptions): Promise<void> {
  const kept = await askedDisk(disk, options).keep()
  if (options.json) return printValue(kept)
  printRows([
    ['kept', kept.path],
    ['boot', kept.boot],
  ])
}
