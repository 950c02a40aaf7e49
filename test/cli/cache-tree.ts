/** What the tests of the command do to a cache behind its back, and how they see that nothing was done to one. */
import { execFileSync } from 'node:child_process'
import { chmodSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheLayout, metaPath } from '../../src/store/layout.js'
import { listImages, type StoredImage } from '../../src/store/store.js'

/** The cached image of that name. */
export function imageOf(cacheDir: string, name: string): StoredImage {
  const found = listImages(cacheLayout(cacheDir)).find(({ meta }) => meta.name === name)
  if (found === undefined) throw new Error(`no ${name} in ${cacheDir}`)
  return found
}

/** One bit turns, and nothing tells: not the size, not the time, not the mode. */
export function rot({ path }: StoredImage): void {
  const { mode } = lstatSync(path)
  // Node sets times to the microsecond only.
  const before = `${path}.before`
  execFileSync('cp', ['-p', path, before])
  const bytes = readFileSync(path)
  bytes[1000] = (bytes[1000] ?? 0) ^ 1
  chmodSync(path, 0o644)
  writeFileSync(path, bytes)
  execFileSync('touch', ['-r', before, path])
  rmSync(before)
  chmodSync(path, mode)
}

/** Writes another meta.json. */
export function rewriteMeta(cacheDir: string, { key }: StoredImage, text: string): void {
  const path = metaPath(cacheLayout(cacheDir), key)
  chmodSync(path, 0o644)
  writeFileSync(path, text)
}

/** Names, modes, times and contents of all that is in a directory. */
export function treeOf(directory: string): unknown {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((entry) => {
      const path = join(directory, entry)
      const { mode, mtimeMs, size } = lstatSync(path)
      return lstatSync(path).isFile()
        ? { entry, mode, mtimeMs, size, bytes: readFileSync(path, 'base64') }
        : { entry, mode, mtimeMs }
    })
}
