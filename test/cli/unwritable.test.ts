/** The commands that change a cache, where it takes nothing: an error with a cure and no stack; and in a group's cache. */
import { chmodSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { cacheOfImages } from '../support/cached-images.js'
import { tempDir } from '../support/temp-dir.js'
import { canUnshare, runUnshared } from '../support/unshared.js'
import { finish, main, type Output } from './command.js'

// Other processes take part, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

const why = canUnshare ? '' : ' (this system lets nobody mount in a namespace)'

/** The command after the shell command `prepare`, in a namespace of its own. */
async function runAfter(
  prepare: string,
  cacheDir: string,
  args: readonly string[],
  before = '',
): Promise<Output> {
  const said = await runUnshared(
    prepare,
    `import { spawnSync } from 'node:child_process'
    import fs from 'node:fs'
    ${before}
    const env = { ...process.env, VMIMAGE_CACHE_DIR: '${cacheDir}', VMIMAGE_OVERLAY_DIR: '${cacheDir}-overlays' }
    const args = ${JSON.stringify([main, '--arch', 'x86_64', ...args])}
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
    console.log(JSON.stringify({ code: status, stdout, stderr }))`,
  )
  return JSON.parse(said) as Output // what the code above prints
}

test.skipIf(!canUnshare).each([
  ['prune', ['prune', '--all']],
  ['rm', ['rm', 'Debian']],
  ['import', ['import', 'FILE', '--name', 'fedora', '--version', '44']],
] as const)(`%s in a cache that is mounted read-only says so, and what to do${why}`, async (_, args) => {
  await using cache = await cacheOfImages()
  cache.publish('Debian')
  const file = join(cache.directory, 'disk.qcow2')
  writeFileSync(file, smallQcow2('mine'))
  const { cacheDir } = cache.context
  const output = await runAfter(
    `mount --bind '${cacheDir}' '${cacheDir}' && mount -o remount,bind,ro '${cacheDir}'`,
    cacheDir,
    args.map((word) => (word === 'FILE' ? file : word)),
  )
  expect(output).toMatchObject({ code: 1, stdout: '' })
  expect(output.stderr).toMatch(
    /^vmimage: \[CACHE_UNWRITABLE\] Cannot write to ".*\/cache": EROFS\.\n.*set VMIMAGE_CACHE_DIR.*\n$/,
  )
  expect(readdirSync(cache.layout.images)).toHaveLength(1)
})

test.skipIf(!canUnshare)(
  `import where the disk is full at the end says so, and what to do${why}`,
  async () => {
    await using dir = await tempDir()
    const file = join(dir.path, 'disk.qcow2')
    const image = smallQcow2('mine')
    writeFileSync(file, image)
    const cacheDir = join(dir.path, 'cache')
    // As much as the image takes, and nothing for what is written beside it.
    const before = `
    const { ensureCache } = await source('store/root.ts')
    const { cacheLayout } = await source('store/layout.ts')
    ensureCache(cacheLayout('${cacheDir}'))
    const { bavail, bsize } = fs.statfsSync('${cacheDir}')
    const needed = Math.ceil(${image.length} / bsize) * bsize
    fs.writeFileSync('${cacheDir}/filler', Buffer.alloc(bavail * bsize - needed))`
    const output = await runAfter(
      `mkdir '${cacheDir}' && mount -t tmpfs -o size=4m tmpfs '${cacheDir}'`,
      cacheDir,
      ['import', file, '--name', 'fedora', '--version', '44'],
      before,
    )
    expect(output).toMatchObject({ code: 1, stdout: '' })
    expect(output.stderr).toMatch(
      /^vmimage: \[NO_SPACE\] Cannot write ".*\/cache.*": the disk has .*\nFree some space.*\n$/m,
    )
  },
)

test("rm in a group's cache leaves its directories open to the group", async () => {
  await using cache = await cacheOfImages()
  cache.publish('Debian')
  chmodSync(cache.context.cacheDir, 0o2770)
  rmSync(cache.layout.keys, { recursive: true })
  const env = { ...process.env, VMIMAGE_CACHE_DIR: cache.context.cacheDir, VMIMAGE_SHARED: '1' }
  const { code, stderr } = await finish(spawn(process.execPath, [main, 'rm', 'Debian'], { env }))
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(statSync(cache.layout.keys).mode & 0o7777).toBe(0o2775)
})
