/**
 * One scenario of the crash points, as a process: `node --import preload child.js <scenario> <directory> <mirror>`. It
 * runs on the built package, and says in one line of JSON what it got.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { definitions, type SystemName } from './fault-images.js'

const dist = process.env['DIST'] ?? ''
const [, , scenario = '', directory = '', mirror = ''] = process.argv
const options = {
  cacheDir: join(directory, 'cache'),
  overlayDir: join(directory, 'overlays'),
  mirror,
  arch: 'x86_64',
} as const

// The package is loaded by its place, which the compiler cannot follow: the types are those of its sources.
const load = (file: string): Promise<unknown> => import(new URL(file, dist).href)
const { openVmImage, defineProvider } = (await load('index.js')) as typeof import('../../src/index.js')
const { makeContext } = (await load('context.js')) as typeof import('../../src/context.js')

const scenarios: Readonly<Record<string, () => Promise<unknown>>> = {
  'fetch-plain': () => fetchImage('plain'),
  'fetch-packed': () => fetchImage('packed'),
  keep: keepOverlay,
  sweep: sweep,
}

/** Fetches (or finds) an image, reads it by the path of its lease, and gives it back. */
async function fetchImage(name: SystemName) {
  const provider = defineProvider(definitions[name])
  await using image = await openVmImage({ provider }, options)
  return { base: sha256(image.baseImage), backing: backingOf(image.path) === image.baseImage }
}

/** A run whose test fails: its overlay is kept, and the base with it. */
async function keepOverlay() {
  const { startRun } = (await load('run/run.js')) as typeof import('../../src/run/run.js')
  const { Scope } = (await load('run/scope.js')) as typeof import('../../src/run/scope.js')
  const context = makeContext({ ...options, keepLast: 100 })
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
  const { sweepDeadRuns } = (await load(
    'store/run-directory.js',
  )) as typeof import('../../src/store/run-directory.js')
  return { swept: sweepDeadRuns(makeContext(options)).length }
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
