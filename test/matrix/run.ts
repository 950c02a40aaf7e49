/**
 * Every version of every test framework in every mode against one list of expectations, as users have them: from the
 * registry, with the packed tarball. It fails when any row of any cell differs.
 *
 *     npm run test:matrix -- [--only <part of a cell's name>] [--small] [--list] [--canary] [--jobs 2] [--dir <directory>] [--scenario <name>]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { publishSmallImages } from '../../fixtures/publishers.js'
import { startMirror } from '../support/mirror.js'
import { tempDir } from '../support/temp-dir.js'
import { canaryCells, cellsOf } from './cells.js'
import { openInstallations, tagsOf } from './installation.js'
import type { CellRun } from './matrix-cell.js'
import { type CellResult, cellLine, differenceLines, table } from './table.js'

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    small: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    scenario: { type: 'string', multiple: true },
    canary: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '2' },
    dir: { type: 'string' },
  },
})

// Those that are under way are killed when this process exits.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))

const cells = values.canary
  ? canaryCells(tagsOf)
  : cellsOf({ only: values.only, isSmall: values.small, scenarios: values.scenario })
if (values.list) {
  console.log(cells.map(({ name }) => name).join('\n'))
} else {
  const directory = resolve(values.dir ?? mkdtempSync(join(tmpdir(), 'vmimage-matrix-')))
  try {
    process.exitCode = (await runAll(directory)) ? 0 : 1
  } finally {
    if (values.dir === undefined) rmSync(directory, { recursive: true, force: true })
  }
}

async function runAll(directory: string): Promise<boolean> {
  await using publishers = await tempDir()
  const { config } = await publishSmallImages(publishers.path)
  await using mirror = await startMirror(publishers.path)
  const installations = await openInstallations(directory)
  const results = new Map<string, CellResult>()
  const waiting = [...cells]
  const work = async () => {
    for (let cell = waiting.shift(); cell; cell = waiting.shift()) {
      const run = await cell.run({ installations, config, mirrorUrl: mirror.url }).catch(brokenRun)
      const result = { name: cell.name, ...run.result }
      results.set(cell.name, result)
      console.log([cellLine(result), ...differenceLines(result), ...run.tail].join('\n'))
    }
  }
  await Promise.all(Array.from({ length: Number(values.jobs) }, work))
  const inOrder = cells.flatMap(({ name }) => results.get(name) ?? [])
  console.log(`\n${table(inOrder)}`)
  return inOrder.length > 0 && inOrder.every(({ differences }) => differences.length === 0)
}

/** A cell that cannot even begin differs in everything; the others go on. */
function brokenRun(error: unknown): CellRun {
  const differences = [{ row: 'the cell', text: String(error) }]
  return { result: { version: '-', passed: 0, total: 1, seconds: 0, differences }, tail: [] }
}
