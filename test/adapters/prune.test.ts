/** `vmimage prune` beside a Vitest run: what the run uses stays, and the output names its test. */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { finish, main } from '../cli/command.js'
import { startMirror } from '../support/mirror.js'
import { openProject } from './vitest-project.js'

test('vmimage prune --all in the middle of a run takes nothing from it, and says which test has the image', async () => {
  await using mirror = await startMirror({ '/images.test/system.qcow2': smallQcow2('prune') })
  await using project = await openProject('held')
  const cacheDir = join(project.path, 'cache')
  const env = {
    IMAGE: 'https://images.test/system.qcow2',
    VMIMAGE_MIRROR: mirror.url,
    VMIMAGE_MINIMUM_TRUST: 'unverified',
  }
  const places = { VMIMAGE_CACHE_DIR: cacheDir, VMIMAGE_OVERLAY_DIR: join(project.path, 'overlays') }
  const prune = () =>
    finish(spawn(process.execPath, [main, 'prune', '--all'], { env: { ...process.env, ...places } }))
  const vitest = project.start([], env)
  await vitest.said(/opened .*\.qcow2/)
  const { code, stdout } = await prune()
  expect(code).toBe(0)
  expect(stdout).toMatch(
    /kept system\.qcow2 .*: in use by process \d+ since .*test "held\.spec\.ts > holds a disk"\)/,
  )
  writeFileSync(join(project.path, 'over'), '')
  const run = await vitest.ended
  expect(run.code, run.output).toBe(0)
  expect(readdirSync(join(cacheDir, 'v1/images'))).toHaveLength(1)
  expect(existsSync(join(cacheDir, 'v1/collected'))).toBe(true)
  // Nobody holds it any more; it is too young for prune, which says so.
  expect((await prune()).stdout).toContain('fetched less than an hour ago')
})
