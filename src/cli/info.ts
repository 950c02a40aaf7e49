/** `vmimage info DISK`: what an overlay is, what it stands on, and who has it open. */
import type { DiskInfo } from '../image/disk-info.js'
import { sizeText } from '../progress-text.js'
import { askedDisk, diskArgument, diskOptions } from './asked-disk.js'
import type { Command, CommandOptions } from './command.js'
import { printRows, printValue } from './print.js'

export const infoCommand: Command = {
  usage: 'info <disk>',
  purpose: "say what a test's disk is, and what it stands on",
  arguments: { disk: diskArgument },
  options: { '--json': 'print one JSON object', ...diskOptions },
  action: ([disk = ''], options) => showInfo(disk, options),
}

async function showInfo(disk: string, options: CommandOptions): Promise<void> {
  const info = await askedDisk(disk, options).info()
  if (options.json) printValue(info)
  else printInfo(info)
}

function printInfo({
  path,
  virtualSizeBytes,
  allocatedBytes,
  isFrozen,
  isOpen,
  users,
  qcow2,
  chain,
}: DiskInfo): void {
  printRows([
    ['disk', path],
    ['disk size', virtualSizeBytes === undefined ? 'not known' : sizeText(virtualSizeBytes)],
    ['takes', sizeText(allocatedBytes)],
    ['features', qcow2?.features.join(', ') || 'none'],
    ['snapshots', String(qcow2?.snapshotCount ?? 0)],
    ['frozen', isFrozen ? 'yes: it was forked' : 'no'],
    [
      'in use',
      isOpen === undefined
        ? 'not known on this system'
        : isOpen
          ? `yes: ${users.join(', ') || 'by a program of somebody else'}`
          : 'no',
    ],
    ...chain
      .slice(1)
      .map((link) => ['stands on', `${link.path} (${link.format}, ${sizeText(link.allocatedBytes)})`]),
  ])
}
