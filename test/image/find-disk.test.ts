import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { exportDisk } from '../../src/image/export-disk.js'
import { findDisk } from '../../src/image/find-disk.js'
import { createOverlay } from '../../src/qcow2/create.js'
import { inspectImage } from '../../src/qcow2/inspect.js'
import { overlayRuns } from '../../src/store/layout.js'
import { newOwner } from '../../src/store/owner.js'
import { errorOf } from '../support/error-of.js'
import { qemuImg } from '../support/qemu.js'
import { tempDir } from '../support/temp-dir.js'

/** A user's directories, with a secret beside them, and an overlay that somebody else has sent. */
async function makePlace() {
  const directory = await tempDir()
  const secret = join(directory.path, 'secret')
  writeFileSync(secret, Buffer.alloc(512, 'secret'))
  const sent = join(directory.path, 'sent')
  mkdirSync(sent)
  const base = join(sent, 'base.qcow2')
  writeFileSync(base, smallQcow2('find'))
  const disk = join(sent, 'disk.qcow2')
  createOverlay(disk, inspectImage(base))
  const context = {
    cacheDir: join(directory.path, 'cache'),
    overlayDir: join(directory.path, 'overlays'),
    extraCacheDirs: [],
  }
  return { directory, secret, sent, base, disk, context }
}

describe('findDisk()', () => {
  test('believes the header of an overlay in a directory of a run, whatever its base is, and of no other', async () => {
    const { directory, base, disk, context } = await makePlace()
    await using _ = directory
    expect(() => findDisk(disk, context)).toThrow(expect.objectContaining({ code: 'UNSAFE_IMAGE' }))
    const run = join(overlayRuns(context.overlayDir), newOwner())
    mkdirSync(run, { recursive: true })
    createOverlay(join(run, 'disk.qcow2'), inspectImage(base))
    expect(findDisk(join(run, 'disk.qcow2'), context).base).toEqual({ path: base, format: 'qcow2' })
  })

  test.each(['by the directory', 'by the file'])(
    'believes no note that is not in the directory of kept disks: %s',
    async (by) => {
      const { directory, secret, sent, disk, context } = await makePlace()
      await using _ = directory
      const image = { name: 'x', version: '1', path: disk, baseImage: secret, baseFormat: 'raw', boot: '' }
      writeFileSync(join(sent, 'note.json'), JSON.stringify({ test: 'x', images: [image] }))
      const asked = by === 'by the file' ? disk : sent
      const error = await errorOf(Promise.resolve().then(() => findDisk(asked, context)))
      expect(error.code).toBe('UNSAFE_IMAGE')
      expect(error.message).toContain('--base FILE')
    },
  )

  test('follows a header to nothing beside it that is not frozen', async () => {
    const { directory, base, disk, sent, context } = await makePlace()
    await using _ = directory
    const fork = join(sent, 'fork.qcow2')
    createOverlay(fork, { ...inspectImage(base), path: disk, format: 'qcow2', isBeside: true })
    const find = () => findDisk(fork, context, base)
    expect((await errorOf(Promise.resolve().then(find))).message).toContain(
      'no frozen disk of the same owner',
    )
    chmodSync(disk, 0o444)
    expect(find()).toMatchObject({ path: fork, parents: [disk] })
  })
})

test('exportDisk() refuses an overlay that keeps its data in a file that it names', async () => {
  const { directory, secret, base, sent } = await makePlace()
  await using _ = directory
  const disk = join(sent, 'data-file.qcow2')
  await qemuImg('create', '-q', '-f', 'qcow2', '-o', `data_file=${secret},data_file_raw=off`, disk, '1M')
  const chain = { path: disk, parents: [], base: { path: base, format: 'qcow2' as const } }
  const error = await errorOf(exportDisk(chain, join(sent, 'out.raw'), { format: 'raw' }))
  expect(error.code).toBe('UNSAFE_IMAGE')
})
