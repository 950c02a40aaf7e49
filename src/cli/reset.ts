/** `vmimage reset DISK`: takes back all that was written to an overlay. */
import { askedDisk, diskArgument, diskOptions } from './asked-disk.js'
import type { Command, CommandOptions } from './command.js'
import { printRows, printValue } from './print.js'

export const resetCommand: Command = {
  usage: 'reset <disk>',
  purpose: "take back all that was written to a test's disk, if no machine has it open",
  arguments: { disk: diskArgument },
  options: { '--json': 'print one JSON object', ...diskOptions },
  action: ([disk = ''], options) => reset(disk, options),
}

async function reset(disk: string, options: CommandOptions): Promise<void> {
  const found = askedDisk(disk, options)
  await found.reset()
  if (options.json) printValue({ path: found.path })
  else printRows([[`${found.path} is as its base again.`]])
}
