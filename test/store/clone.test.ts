import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cloneOrCopy } from '../../src/store/clone.js'
import { tempDir } from '../support/temp-dir.js'

const never = new AbortController().signal
const bytes = randomBytes(3_000_000)

describe('cloneOrCopy()', () => {
  test('makes a file of its own, private and complete, of one that is read-only', async () => {
    await using dir = await tempDir()
    const [source, target] = [join(dir.path, 'source'), join(dir.path, 'target')]
    writeFileSync(source, bytes, { mode: 0o444 })
    await cloneOrCopy(source, target, never)
    expect(readFileSync(target).equals(bytes)).toBe(true)
    expect(statSync(target).mode & 0o777).toBe(0o600)
    expect(statSync(target).ino).not.toBe(statSync(source).ino)
  })

  test('makes a file that does not change when the source is written in place', async () => {
    await using dir = await tempDir()
    const [source, target] = [join(dir.path, 'source'), join(dir.path, 'target')]
    writeFileSync(source, bytes)
    await cloneOrCopy(source, target, never)
    chmodSync(source, 0o600)
    writeFileSync(source, 'changed', { flag: 'r+' })
    expect(readFileSync(target).equals(bytes)).toBe(true)
  })

  test('leaves a target that exists as it is', async () => {
    await using dir = await tempDir()
    const [source, target] = [join(dir.path, 'source'), join(dir.path, 'target')]
    writeFileSync(source, bytes)
    writeFileSync(target, 'precious')
    await expect(cloneOrCopy(source, target, never)).rejects.toMatchObject({ code: 'EEXIST' })
    expect(readFileSync(target, 'utf8')).toBe('precious')
  })

  test('leaves nothing behind when there is no source', async () => {
    await using dir = await tempDir()
    const target = join(dir.path, 'target')
    await expect(cloneOrCopy(join(dir.path, 'none'), target, never)).rejects.toMatchObject({ code: 'ENOENT' })
    expect(existsSync(target)).toBe(false)
  })

  test('leaves nothing behind when it is aborted, and throws the reason', async () => {
    await using dir = await tempDir()
    const [source, target] = [join(dir.path, 'source'), join(dir.path, 'target')]
    writeFileSync(source, bytes)
    const reason = new Error('the user went home')
    await expect(cloneOrCopy(source, target, AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(existsSync(target)).toBe(false)
  })

  test('ends a copy that is aborted on its way', async () => {
    await using dir = await tempDir()
    const target = join(dir.path, 'target')
    const controller = new AbortController()
    const reason = new Error('the user went home')
    // A device cannot be cloned, and never ends.
    const copying = cloneOrCopy('/dev/zero', target, controller.signal)
    copying.catch(() => {}) // looked at below
    await expect.poll(() => statSync(target, { throwIfNoEntry: false })?.size).toBeGreaterThan(0)
    controller.abort(reason)
    await expect(copying).rejects.toBe(reason)
    expect(existsSync(target)).toBe(false)
  })
})
