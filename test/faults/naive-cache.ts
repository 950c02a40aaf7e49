/**
 * The negative control: a cache as it is often written. All processes share one `<file>.incomplete`, go on at its end,
 * hash what they receive while it streams, and rename it when the hash is right. No lock. Under the fuzz it must
 * publish wrong bytes, or the fuzz proves nothing.
 */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { definitions } from './fault-images.js'
import type { FuzzStore, FuzzStoreOptions } from './fuzz-store.js'

export async function naiveStore({ directory, mirror }: FuzzStoreOptions): Promise<FuzzStore> {
  const wanted = JSON.parse(process.env['SERVED'] ?? '{}') as Readonly<
    Record<string, { path: string; hex: string }>
  >
  return {
    open: async (name) => {
      const image = wanted[definitions[name].name]
      if (image === undefined) throw new TypeError(`The fuzz knows no image ${name}.`)
      const path = join(directory, 'cache', 'naive', name, 'disk')
      for (let attempts = 0; !existsSync(path); attempts += 1) {
        if (attempts === 20) throw new Error(`${name} cannot be downloaded`)
        await fetchShared(`${mirror}${image.path}`, path, image.hex).catch(isOfNetwork)
      }
      return { base: path, overlay: undefined, [Symbol.asyncDispose]: () => Promise.resolve() }
    },
  }
}

/** Downloads through the file that all share. */
async function fetchShared(url: string, path: string, hex: string): Promise<void> {
  const incomplete = `${path}.incomplete`
  await mkdir(dirname(path), { recursive: true })
  const have = (await stat(incomplete).catch(() => undefined))?.size ?? 0
  const hash = createHash('sha256')
  if (have > 0)
    for await (const chunk of createReadStream(incomplete, { end: have - 1 })) hash.update(chunk as Buffer)
  const answer = await fetch(url, { headers: have > 0 ? { range: `bytes=${have}-` } : {} })
  if (answer.status === 416) return rm(incomplete, { force: true })
  await using file = await open(incomplete, answer.status === 206 ? 'a' : 'w')
  for await (const chunk of answer.body ?? []) {
    hash.update(chunk)
    await file.write(chunk)
  }
  if (hash.digest('hex') === hex) await rename(incomplete, path)
  else await rm(incomplete, { force: true })
}

/** A connection that breaks is what this store tries again after; what it does to the files is not looked at. */
function isOfNetwork(error: unknown): void {
  if (!(error instanceof Error)) throw error
}
