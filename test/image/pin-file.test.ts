import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { changePins, readPinning, readPins } from '../../src/image/pin-file.js'
import { formatPins } from '../../src/image/pin-text.js'
import { errorOf } from '../support/error-of.js'
import { tempDir } from '../support/temp-dir.js'
import { startWorker } from '../support/worker.js'
import { pinLike } from './pinning.js'

const { signal } = new AbortController()
const add = (key: string) => (pins: object) => ({ ...pins, [key]: pinLike() })

describe('changePins()', () => {
  test('makes the file, changes it, and leaves nothing beside it', async () => {
    await using directory = await tempDir()
    const file = join(directory.path, 'vmimage.lock.json')
    await changePins(file, add('b'), signal)
    await changePins(file, add('a'), signal)
    expect(readFileSync(file, 'utf8')).toBe(formatPins({ a: pinLike(), b: pinLike() }))
    expect(readdirSync(directory.path)).toEqual(['vmimage.lock.json'])
  })

  test('does not touch the file when nothing changes', async () => {
    await using directory = await tempDir()
    const file = join(directory.path, 'vmimage.lock.json')
    await changePins(file, add('a'), signal)
    const before = statSync(file, { bigint: true })
    await changePins(file, add('a'), signal)
    expect(statSync(file, { bigint: true })).toMatchObject({ ino: before.ino, mtimeNs: before.mtimeNs })
  })

  test('keeps a link, and changes what it leads to', async () => {
    await using directory = await tempDir()
    mkdirSync(join(directory.path, 'real'))
    const [file, target] = ['pins.json', 'real/pins.json'].map((name) => join(directory.path, name))
    if (file === undefined || target === undefined) throw new TypeError('two paths')
    writeFileSync(target, formatPins({}))
    symlinkSync('real/pins.json', file)
    await changePins(file, add('a'), signal)
    expect(readlinkSync(file)).toBe('real/pins.json')
    expect(readPins(target)).toEqual({ a: pinLike() })
  })

  test('leaves what is no pin file alone', async () => {
    await using directory = await tempDir()
    const file = join(directory.path, 'package.json')
    writeFileSync(file, '{ "name": "mine" }')
    expect((await errorOf(changePins(file, add('a'), signal))).code).toBe('INVALID_PINS')
    expect(readFileSync(file, 'utf8')).toBe('{ "name": "mine" }')
    expect(readdirSync(directory.path)).toEqual(['package.json'])
  })

  test('says what keeps it from writing', async () => {
    const error = await errorOf(changePins('/nowhere/at/all/pins.json', add('a'), signal))
    expect(error.code).toBe('INVALID_PINS')
    expect(error.message).toMatch(/"\/nowhere\/at\/all\/pins\.json": ENOENT\.\n.*VMIMAGE_PIN_FILE/)
  })

  test('of several processes at once loses no stanza', async () => {
    await using directory = await tempDir()
    const file = join(directory.path, 'vmimage.lock.json')
    const code = `
      const { changePins } = await source('image/pin-file.ts')
      const { signal } = new AbortController()
      const pin = JSON.parse(process.env.PIN)
      for (let turn = 0; turn < 20; turn += 1)
        await changePins(process.env.FILE, (pins) => ({ ...pins, [process.env.NAME + turn]: pin }), signal)
      console.log('done')`
    const workers = ['a', 'b', 'c', 'd'].map((name) =>
      startWorker(code, { FILE: file, NAME: name, PIN: JSON.stringify(pinLike()) }),
    )
    try {
      await Promise.all(workers.map((worker) => worker.line(/done/)))
    } finally {
      await Promise.all(workers.map((worker) => worker[Symbol.asyncDispose]()))
    }
    expect(Object.keys(readPins(file) ?? {})).toHaveLength(80)
    expect(readdirSync(directory.path)).toEqual(['vmimage.lock.json'])
  })
})

describe('readPinning()', () => {
  test.each([
    [undefined, undefined, false, false],
    [undefined, undefined, true, false],
    [undefined, true, false, true],
    ['pins.json', undefined, false, false],
    ['pins.json', undefined, true, true],
    ['pins.json', false, true, false],
    ['pins.json', true, false, true],
  ])('with the file %s, frozen %s and CI %s is frozen: %s', async (name, frozen, isCi, isFrozen) => {
    await using directory = await tempDir()
    writeFileSync(join(directory.path, 'pins.json'), formatPins({}))
    const pinFile = name === undefined ? undefined : join(directory.path, name)
    expect(readPinning({ pinFile, frozen, isCi })).toEqual({ file: pinFile, isFrozen, pins: {} })
  })

  test('says of a directory that it is no file', async () => {
    await using directory = await tempDir()
    const read = async () => readPinning({ pinFile: directory.path, frozen: undefined, isCi: false })
    expect(await errorOf(read())).toMatchObject({
      code: 'INVALID_PINS',
      message: expect.stringContaining('EISDIR'),
    })
  })
})
