/** What a person sees who waits for the download of another process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CacheLayout, cacheLayout } from '../../src/store/layout.js'
import { withLock } from '../../src/store/lock.js'
import { ensureCache } from '../../src/store/root.js'
import { tempDir } from '../support/temp-dir.js'
import { type CommandLine, finish, main, openCommandLine } from './command.js'

let commandLine: CommandLine
/** The name of the image that the command asks for, in the cache. */
let key: string

beforeAll(async () => {
  commandLine = await openCommandLine()
  await using cache = await tempDir()
  await commandLine.run(cache.path, 'fetch', 'fedora')
  key = String(readdirSync(cacheLayout(cache.path).images)[0])
})

afterAll(() => commandLine[Symbol.asyncDispose]())

/** Holds the lock of the image, with bytes that grow, until what `start()` prints is like `pattern`; then it may go on. */
async function waitFor(layout: CacheLayout, start: () => ChildProcess, pattern: RegExp) {
  ensureCache(layout)
  const part = join(layout.ingest, key, 'x', 'part')
  mkdirSync(join(layout.ingest, key, 'x'), { recursive: true })
  const growing = setInterval(() => appendFileSync(part, Buffer.alloc(4096)), 100)
  let ended: ReturnType<typeof finish> | undefined
  const wait = { isDone: () => false, onWait: () => undefined, signal: new AbortController().signal }
  try {
    await withLock(layout, key, wait, async () => {
      const child = start()
      ended = finish(child)
      let said = ''
      await new Promise<void>((resolve) => {
        const listen = (data: Buffer) => {
          said += stripVTControlCharacters(data.toString())
          if (pattern.test(said)) resolve()
        }
        child.stdout?.on('data', listen)
        child.stderr?.on('data', listen)
        child.on('close', () => resolve())
      })
      expect(said).toMatch(pattern)
    })
  } finally {
    clearInterval(growing)
  }
  return await ended
}

test('a terminal shows for whom it waits, how far that one is and how fast', async () => {
  await using cache = await tempDir()
  const env = { ...commandLine.environment(cache.path), TERM: 'xterm' }
  const command = `${process.execPath} ${main} --arch x86_64 fetch fedora`
  const output = await waitFor(
    cacheLayout(cache.path),
    () => spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], { env }),
    new RegExp(`waiting for process ${process.pid}, which downloads Fedora 44 {2}[^]*? {2}[\\d.]+ KiB/s`),
  )
  expect(output?.code).toBe(0)
}, 60_000)

test('a log has a line that says the same', async () => {
  await using cache = await tempDir()
  const env = commandLine.environment(cache.path)
  const output = await waitFor(
    cacheLayout(cache.path),
    () => spawn(process.execPath, [main, '--arch', 'x86_64', 'fetch', 'fedora'], { env }),
    new RegExp(`^waiting for process ${process.pid}, which downloads Fedora 44: .*, [\\d.]+ KiB/s`, 'm'),
  )
  expect(output?.code).toBe(0)
}, 60_000)
