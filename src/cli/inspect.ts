/** `vmimage inspect FILE`: what an image file is, and whether it could be a base image. */
import { realFile } from '../image/local-file.js'
import { sizeText } from '../progress-text.js'
import { examineImage, type ImageReport } from '../qcow2/examine.js'
import type { Qcow2Facts } from '../qcow2/qcow2-facts.js'
import { repairCopy } from '../qcow2/repair.js'
import type { Command, CommandOptions } from './command.js'
import { exitCodes } from './exit-code.js'
import { printRows, printValue } from './print.js'

export const inspectCommand: Command = {
  usage: 'inspect <file>',
  purpose: 'say what an image file is, and which rules for base images it breaks',
  arguments: { file: 'an image file; nothing that it names is opened' },
  options: {
    '--json': 'print one JSON object',
    '--repair <new>':
      'write a repaired copy of an image that was not closed properly; the file itself stays as it is',
  },
  action: inspect,
}

async function inspect([file = '']: readonly string[], options: CommandOptions): Promise<void> {
  const path = realFile(file)
  const report =
    options.repair === undefined ? examineImage(path) : await repairCopy(path, options.repair, options.signal)
  if (options.json) printValue(jsonOf(report))
  else printReport(report)
  if (report.breaches.length > 0) process.exitCode = exitCodes.failure
}

function jsonOf({ breaches, ...report }: ImageReport) {
  return {
    ...report,
    isUsable: breaches.length === 0,
    breaches: breaches.map(({ rule: { id, meaning }, found, cure }) => ({ id, meaning, found, cure })),
  }
}

function printReport(report: ImageReport): void {
  const { path, format, fileSizeBytes, virtualSizeBytes, qcow2, partitionTable } = report
  printRows([
    ['file', path],
    ['format', qcow2 ? `${format}, version ${qcow2.version}` : format],
    ['file size', exactSize(fileSizeBytes)],
    ['disk size', virtualSizeBytes === undefined ? 'not known' : exactSize(virtualSizeBytes)],
    ...(partitionTable === undefined ? [] : [['partitions', partitionTable.toUpperCase()]]),
    ...(qcow2 ? qcow2Rows(qcow2) : []),
    ...report.warnings.map((warning) => ['note', warning]),
    ...report.breaches.flatMap(({ rule, found, cure }) => [
      [`BREAKS ${rule.id}`, `${found}. Rule: ${rule.meaning}`],
      ['', `cure: ${cure}`],
    ]),
    ['base image', verdict(report)],
  ])
}

/** Names are quoted: who made the file may have put line ends into them. */
function qcow2Rows(facts: Qcow2Facts): readonly (readonly string[])[] {
  const { snapshots, snapshotCount } = facts
  return [
    ['clusters', sizeText(facts.clusterBytes)],
    ['refcounts', `${facts.refcountBits} bit`],
    ['compression', facts.compression],
    ['encryption', facts.encryption],
    ['features', facts.features.join(', ') || 'none'],
    ['bitmaps', String(facts.bitmapCount)],
    ['snapshots', String(snapshotCount)],
    ...snapshots.map(({ id, name, takenAtSeconds }) => [
      '',
      `${JSON.stringify(id)} ${JSON.stringify(name)}, ${new Date(takenAtSeconds * 1000).toISOString()}`,
    ]),
    ...(snapshotCount > snapshots.length ? [['', `${snapshotCount - snapshots.length} more`]] : []),
    ...(facts.backingFile === undefined ? [] : [['backing file', JSON.stringify(facts.backingFile)]]),
    ...(facts.dataFile === undefined ? [] : [['data file', JSON.stringify(facts.dataFile)]]),
  ]
}

function exactSize(bytes: number): string {
  return `${sizeText(bytes)} (${bytes} bytes)`
}

function verdict({ breaches }: ImageReport): string {
  if (breaches.length === 0) return 'yes: it keeps every rule'
  return `no: it breaks ${breaches.length === 1 ? 'a rule' : `${breaches.length} rules`}`
}
