import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { tempDir } from '../support/temp-dir.js'
import { canUnshare, runUnshared } from '../support/unshared.js'

/** What is said in a run with two additions, and by openVmImage(), of overlays on a tmpfs of this size. */
async function warningsOn(size: string): Promise<readonly string[]> {
  await using dir = await tempDir()
  const disk = join(dir.path, 'disk.qcow2')
  writeFileSync(disk, smallQcow2('a disk of 4 MiB'))
  const overlayDir = join(dir.path, 'overlays')
  const said = await runUnshared(
    `mkdir ${overlayDir} && mount -t tmpfs -o mode=700,size=${size} tmpfs ${overlayDir}`,
    `const { makeContext } = await source('context.ts')
    const { startRun } = await source('run/run.ts')
    const { openVmImage } = await source('image/open.ts')
    const report = ({ type, message }) => type === 'warning' && console.log(message)
    const options = ${JSON.stringify({ cacheDir: join(dir.path, 'cache'), overlayDir })}
    const run = await startRun({ images: ['${disk}'] }, makeContext({ ...options, report }, {}))
    await run.add({ images: ['${disk}'] })
    run.close()
    await (await openVmImage('${disk}', { ...options, report })).dispose()`,
  )
  return said === '' ? [] : said.split('\n')
}

test.skipIf(!canUnshare)(
  'a chosen tmpfs is pointed out when a disk can outgrow it, once a run (needs unshare -rm)',
  async () => {
    const said = expect.stringMatching(
      /\/overlays is a tmpfs with .* left, and the disk of disk\.qcow2 can grow to 4 MiB: .*VMIMAGE_OVERLAY_DIR/,
    )
    expect(await warningsOn('2m')).toEqual([said, said])
    expect(await warningsOn('64m')).toEqual([])
  },
)
