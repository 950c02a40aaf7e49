/** What dead processes left behind. All of it is taken care of by itself; who looks for room wants to know it. */
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sizeText } from '../progress-text.js'
import { namesIn } from '../store/directory.js'
import { cacheLayout, keptDirectory, overlayRuns } from '../store/layout.js'
import { isProvablyDead, parseOwner } from '../store/owner.js'
import { whenReadable } from '../store/readable.js'
import type { Check, Finding } from './check.js'

interface Amount {
  readonly count: number
  /** What the disk gives to them. */
  readonly bytes: number
}

export interface LeftoverFacts {
  readonly deadRuns: Amount
  readonly partials: Amount
  readonly deadLocks: Amount
  readonly trash: Amount
  readonly kept: Amount
  readonly keptDir: string
}

export const leftoversCheck: Check = {
  topic: 'left behind',
  find: ({ context: { cacheDir, overlayDir } }) => {
    const layout = cacheLayout(cacheDir)
    const keptDir = keptDirectory(overlayDir)
    const ingests = entriesOf(layout.ingest).flatMap(entriesOf)
    const runs = [layout.runs, overlayRuns(overlayDir)].flatMap(entriesOf)
    return judgeLeftovers({
      deadRuns: amountOf(runs.filter(isOfTheDead)),
      partials: amountOf(ingests.filter(isOfTheDead)),
      deadLocks: amountOf(
        entriesOf(layout.locks).filter((path) => path.endsWith('.lock') && isHeldByTheDead(path)),
      ),
      trash: amountOf(entriesOf(layout.trash)),
      kept: amountOf(entriesOf(keptDir)),
      keptDir,
    })
  },
}

export function judgeLeftovers(facts: LeftoverFacts): readonly Finding[] {
  const prune = 'vmimage prune'
  const found = [
    ...noted(
      facts.deadRuns,
      'directory of a dead run',
      'directories of dead runs',
      'the next run removes it',
      prune,
    ),
    ...noted(
      facts.partials,
      'download that was broken off',
      'downloads that were broken off',
      'the next fetch of that image goes on from there',
      prune,
    ),
    ...noted(
      facts.deadLocks,
      'lock of a dead process',
      'locks of dead processes',
      'who waits takes it over at once',
    ),
    ...noted(
      facts.trash,
      'entry in the trash',
      'entries in the trash',
      'removed when the cache is collected',
      prune,
    ),
    ...noted(
      facts.kept,
      'disk of a failed test kept',
      'disks of failed tests kept',
      `in ${facts.keptDir}`,
      `rm -r ${facts.keptDir}/*`,
    ),
  ]
  return found.length > 0 ? found : [{ level: 'ok', text: 'nothing' }]
}

function noted(
  { count, bytes }: Amount,
  one: string,
  several: string,
  then: string,
  cure?: string,
): readonly Finding[] {
  if (count === 0) return []
  const size = bytes === 0 ? '' : ` (${sizeText(bytes)})`
  return [{ level: 'note', text: `${count} ${count === 1 ? one : several}${size}: ${then}`, cure }]
}

function entriesOf(directory: string): readonly string[] {
  return (whenReadable(() => namesIn(directory)) ?? []).map((name) => join(directory, name))
}

function isOfTheDead(path: string): boolean {
  const owner = parseOwner(path.slice(path.lastIndexOf('/') + 1))
  return owner !== undefined && isProvablyDead(owner)
}

function isHeldByTheDead(lock: string): boolean {
  const text = whenReadable(() => readFileSync(lock.replace(/\.lock$/, '.owner.json'), 'utf8')) ?? ''
  const owner = parseOwner(/"owner":"([^"]*)"/.exec(text)?.[1] ?? '')
  return owner !== undefined && isProvablyDead(owner)
}

function amountOf(paths: readonly string[]): Amount {
  return { count: paths.length, bytes: paths.reduce((sum, path) => sum + allocatedBytes(path), 0) }
}

/** Blocks of all files; a lease is a link of a base image, whose blocks are not its own. */
function allocatedBytes(path: string): number {
  const stat = whenReadable(() => lstatSync(path))
  if (stat === undefined) return 0
  if (stat.isDirectory()) {
    const names = whenReadable(() => readdirSync(path)) ?? []
    return names.reduce((sum, name) => sum + allocatedBytes(join(path, name)), 0)
  }
  return stat.isFile() && stat.nlink === 1 ? stat.blocks * 512 : 0
}
