/** How much room the collector has made: by what went of images, by what it swept, by what another collector did meanwhile. */
import { expect, test } from 'vitest'
import { tempDir } from '../support/temp-dir.js'
import { canUnshare, runUnshared } from '../support/unshared.js'

const mib = 1024 ** 2
const why = canUnshare ? '' : ' (this system lets nobody mount in a namespace)'

/** What `code` prints in a process whose cache is on a disk of its own, where nobody else takes or frees room. */
async function onOwnDisk(code: string): Promise<string> {
  await using dir = await tempDir()
  return await runUnshared(
    `mount -t tmpfs -o size=16m tmpfs ${dir.path}`,
    `
    import fs from 'node:fs'
    import { join } from 'node:path'
    const { makeContext } = await source('context.ts')
    const { cacheLayout } = await source('store/layout.ts')
    const { ensureCache } = await source('store/root.ts')
    const { collectorLockPath } = await source('store/collector-lock.ts')
    const { newOwner, nobody } = await source('store/owner.ts')
    const { roomOf } = await source('image/room.ts')
    const ending = new AbortController()
    const places = { cacheDir: '${dir.path}/cache', overlayDir: '${dir.path}/overlays' }
    const context = makeContext({ ...places, signal: ending.signal }, {})
    const layout = cacheLayout(context.cacheDir)
    ensureCache(layout)
    const { makeRoom } = roomOf(context)
    const fill = (owner) => {
      const path = join(layout.trash, owner)
      fs.writeFileSync(path, Buffer.alloc(3 * ${mib}))
      return path
    }
    ${code}`,
  )
}

test.skipIf(!canUnshare)(`what dead processes had left counts as room that was made${why}`, async () => {
  const said = await onOwnDisk(`fill(nobody()); console.log(await makeRoom(1))`)
  expect(Number(said)).toBeGreaterThanOrEqual(3 * mib)
})

test.skipIf(!canUnshare)(`where nothing can go no room is made${why}`, async () => {
  expect(await onOwnDisk('fill(newOwner()); console.log(await makeRoom(1))')).toBe('0')
})

test.skipIf(!canUnshare)(
  `while another process collects it is waited for, and what it has freed counts${why}`,
  async () => {
    const said = await onOwnDisk(`
    const theirs = fill(newOwner())
    const lock = collectorLockPath(layout)
    fs.writeFileSync(lock, newOwner())
    const made = makeRoom(1)
    setImmediate(() => { fs.rmSync(theirs); fs.rmSync(lock) })
    console.log(await made)`)
    expect(Number(said)).toBeGreaterThanOrEqual(3 * mib)
  },
)

test.skipIf(!canUnshare)(`whoever waits for another collector can be told to stop${why}`, async () => {
  const said = await onOwnDisk(`
    fs.writeFileSync(collectorLockPath(layout), newOwner())
    const made = makeRoom(1).catch(({ message }) => message)
    setImmediate(() => ending.abort(new Error('enough')))
    console.log(await made)`)
  expect(said).toBe('enough')
})
