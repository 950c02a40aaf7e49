/**
 * One scenario of the crash points, as a process: `node --import preload child.js <scenario> <directory> <mirror>`. It
 * runs on the built package, and says in one line of JSON what it got.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeContext } from '../../src/context.js'
import { defineProvider, openVmImage } from '../../src/index.js'
import { startRun } from '../../src/run/run.js'
import { Scope } from '../../src/run/scope.js'
import { collectCache } from '../../src/store/collect.js'
import { sweepDeadRuns } from '../../src/store/run-directory.js'
import { definitions, type SystemName } from './fault-images.js'

const [, , scenario = '', directory = '', mirror = ''] = process.argv
const options = {
  cacheDir: join(directory, 'cache'),
  overlayDir: join(directory, 'overlays'),
  mirror,
  arch: 'x86_64',
} as const

const scenarios: Readonly<Record<string, () => Promise<unknown>>> = {
  'fetch-plain': () => fetchImage('plain'),
  'fetch-packed': () => fetchImage('packed'),
  keep: keepOverlay,
  sweep: sweep,
  collect,
}

/** Fetches (or finds) an image, reads it by the path of its lease, and gives it back. */
async function fetchImage(name: SystemName) {
  const provider = defineProvider(definitions[name])
  await using image = await openVmImage({ provider }, options)
  return { base: sha256(image.baseImage), backing: backingOf(image.path) === image.baseImage }
}

/** A run whose test fails: its overlay is kept, and the base with it. */
async function keepOverlay() {
  const context = makeContext({ ...options, keepLast: 100, collect: false })
  const run = await startRun({ images: [{ provider: defineProvider(definitions.plain) }] }, context)
  try {
    const scope = new Scope({ name: 'fails', run: () => run.info })
    await scope.open({ provider: defineProvider(definitions.plain) })
    const [kept] = await scope.close({ failed: true, attempt: 1 })
    const backing = backingOf(kept?.path ?? '')
    return { base: sha256(backing), kept: kept?.path }
  } finally {
    run.close()
    await context.http.close()
  }
}

/** What each run does first: removes what dead ones left. */
async function sweep() {
  return { swept: sweepDeadRuns(makeContext(options)).length }
}

/** Two hours from now, when nothing is too young to go. */
async function collect() {
  const context = { ...makeContext(options), now: () => Date.now() + 7_200_000 }
  return { collected: (await collectCache(context, { all: true }))?.go.length }
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

/** The path of the backing file in the header of a qcow2 overlay: bytes 8 to 20. */
function backingOf(overlay: string): string {
  const bytes = readFileSync(overlay)
  const offset = Number(bytes.readBigUInt64BE(8))
  return bytes.toString('utf8', offset, offset + bytes.readUInt32BE(16))
}

console.log(JSON.stringify(await scenarios[scenario]?.()))
