/** Where an exported disk goes: what is refused, what is cleaned up there, and what never is. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { newOwner, nobody } from '../../src/store/owner.js'
import { isRoot, nobodyId } from '../support/nobody.js'
import { qemuIo } from '../support/qemu.js'
import { canUnshare, runUnshared } from '../support/unshared.js'
import { openCountingDisk } from './counting-disk.js'

describe('image.exportTo()', () => {
  test.each([
    ['', {}],
    ['a\0b', {}],
    [undefined, {}],
    ['disk', { fromat: 'vmdk' }],
    ['disk', 'vmdk'],
    ['disk', { compress: 'yes' }],
    ['disk', { onProgress: 3 }],
  ])('refuses %j with %j', async (path, options) => {
    await using disk = await openCountingDisk()
    // As JavaScript may ask.
    const exporting = disk.image.exportTo(path as string, options as object)
    await expect(exporting).rejects.toThrow(TypeError)
  })

  test('writes a file that is its owner’s only, and says what name is too long', async () => {
    await using disk = await openCountingDisk()
    const path = join(disk.directory, 'copy')
    await disk.image.exportTo(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    await expect(disk.image.exportTo(join(disk.directory, 'a'.repeat(300)))).rejects.toMatchObject({
      code: 'FILE_UNWRITABLE',
      message: expect.stringContaining('too long'),
    })
  })

  test('says that the disk of the target is full, and leaves nothing', async ({ skip }) => {
    skip(!canUnshare, 'this system lets nobody mount in a namespace')
    await using disk = await openCountingDisk()
    const { image } = disk
    await qemuIo(image.path, 'write -P 1 0 512k')
    const out = join(disk.directory, 'out')
    const chain = { path: image.path, parents: [], base: { path: image.baseImage, format: 'qcow2' } }
    const said = await runUnshared(
      `mkdir ${out} && mount -t tmpfs -o size=64k tmpfs ${out}`,
      `import { readdirSync } from 'node:fs'
      const { exportDisk } = await source('image/export-disk.ts')
      const exporting = exportDisk(${JSON.stringify(chain)}, ${JSON.stringify(join(out, 'disk'))}, { format: 'raw' })
      await exporting.catch((error) => console.log(error.code, error.message))
      console.log(readdirSync(${JSON.stringify(out)}).length)`,
    )
    expect(said).toMatch(/^NO_SPACE Cannot write .*has no room for the whole disk\.\n[^]*\n0$/)
  })

  test('removes no draft where others can write', async () => {
    await using disk = await openCountingDisk()
    const out = join(disk.directory, 'out')
    mkdirSync(join(out, `.vmimage-export-${nobody()}`), { recursive: true })
    chmodSync(out, 0o777)
    await disk.image.exportTo(join(out, 'disk'))
    expect(readdirSync(out)).toHaveLength(2)
  })

  test('removes no draft that another user has put there', async ({ skip }) => {
    skip(!isRoot, 'only root can give a directory to another user')
    await using disk = await openCountingDisk()
    const out = join(disk.directory, 'out')
    const draft = join(out, `.vmimage-export-${nobody()}`)
    mkdirSync(draft, { recursive: true })
    chownSync(draft, nobodyId, nobodyId)
    chmodSync(out, 0o1777)
    await disk.image.exportTo(join(out, 'disk'))
    expect(existsSync(draft)).toBe(true)
  })

  test('removes what an export that was killed has left there, and not that of another', async () => {
    await using disk = await openCountingDisk()
    mkdirSync(join(disk.directory, 'out'))
    const at = (name: string) => join(disk.directory, 'out', name)
    const others = [`.vmimage-export-${newOwner()}`, '.vmimage-export-mine']
    for (const name of [`.vmimage-export-${nobody()}`, ...others]) {
      mkdirSync(at(name))
      writeFileSync(join(at(name), 'disk'), 'half')
    }
    await disk.image.exportTo(at('disk'))
    expect(readdirSync(at('')).toSorted()).toEqual([...others, 'disk'].toSorted())
  })

  test('does not overwrite a file that somebody makes meanwhile', async () => {
    await using disk = await openCountingDisk()
    const path = join(disk.directory, 'disk')
    const onProgress = () => writeFileSync(path, 'mine')
    await expect(disk.image.exportTo(path, { onProgress })).rejects.toMatchObject({ code: 'FILE_EXISTS' })
    expect(readFileSync(path, 'utf8')).toBe('mine')
  })

  test('leaves nothing when it is aborted', async () => {
    await using disk = await openCountingDisk({})
    mkdirSync(join(disk.directory, 'out'))
    const end = new AbortController()
    const exporting = disk.image.exportTo(join(disk.directory, 'out/disk'), {
      signal: end.signal,
      onProgress: () => end.abort(),
    })
    await expect(exporting).rejects.toMatchObject({ name: 'AbortError' })
    expect(readdirSync(join(disk.directory, 'out'))).toEqual([])
  })
})
