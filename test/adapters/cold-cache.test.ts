/** Eight Vitest workers on an empty cache, without a global setup: the worst case for whoever shares a download. */
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { publishSmallImages } from '../../fixtures/publishers.js'
import { startMirror } from '../support/mirror.js'
import { tempDir } from '../support/temp-dir.js'
import { openProject } from './vitest-project.js'

const file = 'debian-13-genericcloud-amd64-20260712-2537.qcow2'
const path = `/cloud.debian.org/images/cloud/trixie/20260712-2537/${file}`
const imageBytes = smallQcow2(file).length

async function openEight() {
  const project = await openProject('cold-cache')
  for (let copy = 2; copy <= 8; copy += 1) {
    cpSync(join(project.path, 'worker-1.spec.ts'), join(project.path, `worker-${copy}.spec.ts`))
  }
  return project
}

/** The process that holds the download, and how many bytes it has. */
function findHolder(cacheDir: string): { readonly pid: number; readonly bytes: number } | undefined {
  const locks = join(cacheDir, 'v1/locks')
  const record = existsSync(locks)
    ? readdirSync(locks).find((name) => name.endsWith('.owner.json'))
    : undefined
  const ingest = join(cacheDir, 'v1/ingest')
  const part =
    record &&
    readdirSync(ingest, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('/part'))
  if (record === undefined || part === undefined) return undefined
  const owner = /"owner":"\w+-\w+-\d+-(\d+)-/.exec(readFileSync(join(locks, record), 'utf8'))
  return { pid: Number(owner?.[1]), bytes: readFileSync(join(ingest, part)).length }
}

describe('eight Vitest workers on an empty cache', { timeout: 120_000 }, () => {
  test('the mirror serves the image exactly once', async () => {
    await using publishers = await tempDir()
    await publishSmallImages(publishers.path)
    await using mirror = await startMirror(publishers.path)
    await using project = await openEight()
    mirror.fail(path, { trickle: { bytes: 65_536, everyMs: 100 } })
    const run = await project.run([], { VMIMAGE_MIRROR: mirror.url })
    expect(run.code, run.output).toBe(0)
    expect(run.output).toContain('8 passed')
    expect(mirror.bytesServed(path)).toBe(imageBytes)
    expect(project.runDirectories()).toEqual([])
  })

  test('when the one that downloads is killed the others go on from its bytes', async () => {
    await using publishers = await tempDir()
    await publishSmallImages(publishers.path)
    await using mirror = await startMirror(publishers.path)
    await using project = await openEight()
    mirror.fail(path, { trickle: { bytes: 16_384, everyMs: 100 } })
    const running = project.start([], { VMIMAGE_MIRROR: mirror.url })
    const holder = () => findHolder(join(project.path, 'cache'))
    await expect
      .poll(() => holder()?.bytes ?? 0, { timeout: 25_000, interval: 20 })
      .toBeGreaterThan(imageBytes / 2)
    process.kill(Number(holder()?.pid), 'SIGKILL')
    const run = await running.ended
    expect(run.output).toContain('7 passed')
    expect(mirror.requests.filter((request) => request.path === path)).toHaveLength(2)
    expect(mirror.bytesServed(path)).toBeLessThanOrEqual(1.3 * imageBytes)
  })
})
