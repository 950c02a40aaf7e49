/** `vmimage kept`: the disks that outlived their tests. */
import { makeContext } from '../context.js'
import { type KeptDirectory, listKept } from '../image/kept-note.js'
import { sizeText } from '../progress-text.js'
import { keptDirectory } from '../store/layout.js'
import type { Command, CommandOptions } from './command.js'
import { printRows, printValue } from './print.js'

export const keptCommand: Command = {
  usage: 'kept',
  purpose: 'list the disks that are kept of failed tests, and how to boot them',
  options: { '--json': 'print one JSON array' },
  action: (_names, options) => Promise.resolve(showKept(options)),
}

function showKept(options: CommandOptions): void {
  const keptDir = keptDirectory(makeContext(options).overlayDir)
  const kept = listKept(keptDir)
  if (options.json) return printValue(kept)
  if (kept.length === 0) return printRows([[`No disks are kept in ${keptDir}.`]])
  printRows([columns, ...kept.flatMap(rows)])
  printRows([[], [`They are in ${keptDir}; "vmimage keep NAME" says how to boot one.`]])
}

const columns = ['NAME', 'SYSTEM', 'KEPT', 'SIZE', 'TEST', 'PATH']

function rows({ name, test, keptAt, allocatedBytes, disks }: KeptDirectory): readonly (readonly string[])[] {
  const when = keptAt.slice(0, 16).replace('T', ' ')
  return disks.map((disk, index) => {
    const system = `${disk.name} ${disk.version}`.trim()
    const first = index === 0
    return [
      first ? name : '',
      system,
      first ? when : '',
      first ? sizeText(allocatedBytes) : '',
      first ? test : '',
      disk.chain.path,
    ]
  })
}
