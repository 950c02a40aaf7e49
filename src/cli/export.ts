/** `vmimage export DISK OUT`: a disk with all that it stands on as one file. */
import { resolve } from 'node:path'
import { type ExportFormat, exportFormats } from '../image/export-disk.js'
import { askedDisk, diskArgument, diskOptions } from './asked-disk.js'
import type { Command, CommandOptions } from './command.js'
import { printRows, printValue } from './print.js'

export const exportCommand: Command = {
  usage: 'export <disk> <out>',
  purpose: "write a test's disk with all that it stands on to one new file (needs qemu-img)",
  arguments: { disk: diskArgument, out: 'the new file; one that is there is never overwritten' },
  options: {
    '--format <format>': `${exportFormats.join(', ')} (default: qcow2)`,
    '--compress': 'pack the data: qcow2 and vmdk only',
    '--json': 'print one JSON object',
    ...diskOptions,
  },
  action: ([disk = '', out = ''], options) => exportTo(disk, out, options),
}

async function exportTo(disk: string, out: string, options: CommandOptions): Promise<void> {
  const { compress, signal } = options
  // Any text may have been typed; exportDisk() refuses what it does not know.
  const format = options.format as ExportFormat | undefined
  const path = resolve(out)
  const exportOptions = { format, compress, signal, onProgress: progressLine() }
  await askedDisk(disk, options).exportTo(path, exportOptions)
  if (options.json) printValue({ path, format: format ?? 'qcow2' })
  else printRows([[`Wrote ${path}.`]])
}

/** Only a person at a terminal wants to see it. */
function progressLine(): ((percent: number) => void) | undefined {
  if (!process.stderr.isTTY) return undefined
  return (percent) => void process.stderr.write(`\r${percent.toFixed(0)} %${percent === 100 ? '\n' : ''}`)
}
