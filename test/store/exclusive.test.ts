import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { withExclusive } from '../../src/store/exclusive.js'
import { newOwner, nobody } from '../../src/store/owner.js'
import { tempDir } from '../support/temp-dir.js'
import { canUnshare, runUnshared } from '../support/unshared.js'
import { startWorker } from '../support/worker.js'

const never = new AbortController().signal
const tomorrow = Date.now() / 1000 + 86_400
const stranger = '00000000-00000000-1-1-1-00000000'

async function makePlace() {
  const directory = await tempDir()
  const path = join(directory.path, 'file.lock')
  return {
    path,
    names: () => readdirSync(directory.path),
    [Symbol.asyncDispose]: directory[Symbol.asyncDispose],
  }
}

describe('withExclusive()', () => {
  test('runs the action while the file is there, and leaves nothing', async () => {
    await using place = await makePlace()
    const { path, names } = place
    expect(await withExclusive(path, never, () => names())).toEqual(['file.lock'])
    expect(names()).toEqual([])
  })

  test('leaves nothing when the action fails', async () => {
    await using place = await makePlace()
    const { path, names } = place
    const failing = withExclusive(path, never, () => {
      throw new TypeError('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(names()).toEqual([])
  })

  test('waits for a process that lives, and ends the wait when aborted', async () => {
    await using place = await makePlace()
    const { path, names } = place
    writeFileSync(path, newOwner())
    utimesSync(path, 1, 1)
    await expect(withExclusive(path, AbortSignal.timeout(300), () => 'taken')).rejects.toThrow(/timeout/)
    expect(names()).toEqual(['file.lock'])
  })

  test('takes the place of a process that was killed', async () => {
    await using place = await makePlace()
    const { path, names } = place
    await using worker = startWorker(
      `const { withExclusive } = await source('store/exclusive.ts')
       await withExclusive(process.env.LOCK, new AbortController().signal, () => {
         console.log('held')
         for (;;);
       })`,
      { LOCK: path },
    )
    await worker.line(/held/)
    worker.kill('SIGKILL')
    await worker.ended()
    expect(names()).toEqual(['file.lock'])
    expect(await withExclusive(path, never, () => 'taken')).toBe('taken')
    expect(names()).toEqual([])
  })

  test.each([
    ['nobody', nobody(), Date.now() / 1000],
    ['a stranger of long ago', stranger, 1],
    ['a name that is none, of long ago', '', 1],
    ['a stranger of tomorrow, whose clock is wrong', stranger, tomorrow],
  ])('takes the place of %s', async (_, owner, seconds) => {
    await using place = await makePlace()
    const { path } = place
    writeFileSync(path, owner)
    utimesSync(path, seconds, seconds)
    expect(await withExclusive(path, never, () => 'taken')).toBe('taken')
  })

  test.each([
    ['a stranger', stranger],
    ['a name that is not written yet', ''],
  ])('waits for %s', async (_, owner) => {
    await using place = await makePlace()
    const { path } = place
    writeFileSync(path, owner)
    await expect(withExclusive(path, AbortSignal.timeout(300), () => 'taken')).rejects.toThrow(/timeout/)
  })

  test('leaves the file of a successor, who took this process for dead', async () => {
    await using place = await makePlace()
    const { path } = place
    const successor = newOwner()
    await withExclusive(path, never, () => writeFileSync(path, successor))
    expect(readFileSync(path, 'utf8')).toBe(successor)
  })

  test('fault 35, the disk has no room for the name of the holder: the error says so, and no file is left', async ({
    skip,
  }) => {
    skip(!canUnshare, 'this system lets nobody but root mount in a namespace (unshare -rm)')
    await using place = await makePlace()
    const directory = dirname(place.path)
    const said = await runUnshared(
      `mount -t tmpfs -o size=4k tmpfs '${directory}'`,
      `const { readdirSync, writeFileSync } = await import('node:fs')
      const { withExclusive } = await source('store/exclusive.ts')
      writeFileSync('${directory}/filler', 'x')
      const taken = withExclusive('${directory}/lock', new AbortController().signal, () => 'taken')
      console.log(await taken.catch(({ code }) => code), readdirSync('${directory}').join())`,
    )
    expect(said).toBe('ENOSPC filler')
  })

  test('throws what keeps the file from being made', async () => {
    await expect(withExclusive('/nowhere/file.lock', never, () => 'taken')).rejects.toThrow('ENOENT')
  })
})
