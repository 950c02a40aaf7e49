import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { makeContext } from '../../src/context.js'
import { findHandedRun, handOver, takeBack } from '../../src/run/handed-run.js'
import { packageVersion } from '../../src/package-version.js'
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

test('A run is read once, and again when it was handed over anew', async () => {
  await using directory = await tempDir()
  const run = await startSmallRun(directory.path)
  handOver(run.info)
  const first = findHandedRun()
  expect(findHandedRun()).toBe(first)
  const file = join(run.info.overlayDir, 'run.json')
  handOver({ ...run.info, keepLast: 77 })
  utimesSync(file, new Date(), new Date(Date.now() + 5000)) // a clock may be too coarse for two writes
  expect(findHandedRun()?.keepLast).toBe(77)
  run.close()
})

test.each([
  ['another version', JSON.stringify({ version: '0.0.1', run: {} }), 'vmimage 0.0.1'],
  ['a version before there was a number', JSON.stringify({ overlayDir: '/tmp' }), 'another vmimage'],
])('A run of %s of the package is refused with both numbers', async (_, text, name) => {
  await using directory = await tempDir()
  const run = await startSmallRun(directory.path)
  handOver(run.info)
  const file = join(run.info.overlayDir, 'run.json')
  expect(readFileSync(file, 'utf8')).toContain(`"version":"${packageVersion}"`)
  writeFileSync(file, text)
  const refused = expect.objectContaining({
    code: 'NO_RUN',
    message: expect.stringMatching(
      new RegExp(`is of ${name}, the tests have ${packageVersion}\\.\nInstall one version`),
    ),
  })
  expect(findHandedRun).toThrow(refused)
  run.close()
})
