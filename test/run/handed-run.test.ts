import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { makeContext } from '../../src/context.js'
import { findHandedRun, handOver, takeBack } from '../../src/run/handed-run.js'
import { startRun } from '../../src/run/run.js'
import { tempDir } from '../support/temp-dir.js'

afterEach(takeBack)

async function startSmallRun(directory: string) {
  const image = join(directory, 'system.qcow2')
  writeFileSync(image, smallQcow2('handed'))
  const places = { cacheDir: join(directory, 'cache'), overlayDir: join(directory, 'overlays') }
  return startRun({ images: [image] }, makeContext(places, {}))
}

test('A run that is handed over is found as it is, and read by its owner alone', async () => {
  await using directory = await tempDir()
  const run = await startSmallRun(directory.path)
  handOver(run.info)
  expect(findHandedRun()).toEqual(JSON.parse(JSON.stringify(run.info)))
  expect(statSync(join(run.info.overlayDir, 'run.json')).mode & 0o777).toBe(0o600)
  run.close()
})

test('A run that has ended, or was taken back, is none', async () => {
  await using directory = await tempDir()
  const run = await startSmallRun(directory.path)
  handOver(run.info)
  run.close()
  expect(findHandedRun()).toBeUndefined()
  takeBack()
  expect(findHandedRun()).toBeUndefined()
})
