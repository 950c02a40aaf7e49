import { createHash } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bootCounterDisk } from '../../fixtures/images/boot-counter.js'
import { qcow2Of } from '../../fixtures/images/small-qcow2.js'
import { createOverlay, type OverlayOptions } from '../../src/qcow2/create.js'
import { inspectImage } from '../../src/qcow2/inspect.js'
import { qemuImg, qemuIo } from '../support/qemu.js'
import { tempDir } from '../support/temp-dir.js'

const disk = bootCounterDisk()
const mib = 2 ** 20
const tib = 2 ** 40

const bases = {
  raw: disk,
  'qcow2 of version 2': qcow2Of(disk, { version: 2 }),
  'qcow2 of version 3': qcow2Of(disk),
} as const
const baseNames = ['raw', 'qcow2 of version 2', 'qcow2 of version 3'] as const

function writeBase(path: string, name: (typeof baseNames)[number] = 'qcow2 of version 3') {
  writeFileSync(path, bases[name])
  return inspectImage(path)
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

describe('createOverlay() writes byte for byte what qemu-img does, when dense:', () => {
  const sizes = [mib, mib + 512, 10 * 2 ** 30, 64 * tib]
  const grid = baseNames.flatMap((base) =>
    sizes.flatMap((sizeBytes) => [true, false].map((extendedL2) => ({ base, sizeBytes, extendedL2 }))),
  )
  test.each(grid)('base $base, $sizeBytes bytes, extended L2 $extendedL2', async (each) => {
    await using dir = await tempDir()
    const [ours, theirs] = [join(dir.path, 'ours'), join(dir.path, 'theirs')]
    const base = writeBase(join(dir.path, 'base'), each.base)
    const { sizeBytes, extendedL2 } = each
    createOverlay(ours, base, { sizeBytes, extendedL2, dense: true })
    const options = `extended_l2=${extendedL2 ? 'on' : 'off'}`
    const backing = ['-b', base.path, '-F', base.format]
    await qemuImg('create', '-f', 'qcow2', ...backing, '-o', options, theirs, String(sizeBytes))
    expect(readFileSync(ours).equals(readFileSync(theirs))).toBe(true)
  })
})

describe('createOverlay() writes what QEMU’s tools find nothing wrong with:', () => {
  const options: OverlayOptions[] = [
    {},
    { extendedL2: false },
    { dense: true },
    { sizeBytes: 10 * 2 ** 30 },
    { sizeBytes: 64 * tib },
  ]
  const grid = baseNames.flatMap((base) => options.map((each) => ({ base, options: each })))
  test.each(grid)('base $base, options $options', async (each) => {
    await using dir = await tempDir()
    const path = join(dir.path, 'overlay')
    const base = writeBase(join(dir.path, 'base'), each.base)
    const digest = sha256(base.path)
    const overlay = createOverlay(path, base, each.options)
    const fileSizeBytes = statSync(path).size
    expect(overlay).toEqual({ path, virtualSizeBytes: each.options.sizeBytes ?? mib, fileSizeBytes })

    const info: unknown = JSON.parse(
      await qemuImg('info', '-f', 'qcow2', '--backing-chain', '--output=json', path),
    )
    expect(info).toMatchObject([
      {
        filename: path,
        format: 'qcow2',
        'virtual-size': overlay.virtualSizeBytes,
        'backing-filename': base.path,
        'backing-filename-format': base.format,
        'format-specific': { data: { 'extended-l2': each.options.extendedL2 ?? true, corrupt: false } },
      },
      { filename: base.path, format: base.format, 'virtual-size': mib },
    ])
    expect(await qemuImg('check', '-f', 'qcow2', path)).toContain('No errors were found')
    expect(await qemuImg('compare', '-f', 'qcow2', '-F', base.format, path, base.path)).toContain('identical')

    const end = overlay.virtualSizeBytes - 512
    await qemuIo(path, 'write -P 0xaa 4096 4096', `write -P 0xbb ${end} 512`, 'write -z 65536 512')
    await qemuIo(path, 'read -P 0xaa 4096 4096', `read -P 0xbb ${end} 512`, 'read -P 0 8192 57344')
    expect(await qemuImg('check', '-f', 'qcow2', path)).toContain('No errors were found')
    expect(sha256(base.path)).toBe(digest)
  })
})

describe('createOverlay() over a base with an odd path:', () => {
  test.each([
    'with blanks',
    'a:b',
    'nbd:unix:x',
    'json:{}',
    'a,b=c',
    `'quoted' "twice"`,
    'línea-ß-漢字-🐧',
    '100% $HOME ?*',
    '-f',
    'two\nlines',
    'back\\slash',
  ])('%j', async (name) => {
    await using dir = await tempDir()
    const [path, base] = [join(dir.path, name), join(dir.path, `${name} base`)]
    createOverlay(path, writeBase(base))
    expect(await qemuImg('compare', '-f', 'qcow2', '-F', 'qcow2', path, base)).toContain('identical')
  })
})
