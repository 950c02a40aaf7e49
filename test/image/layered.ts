/** A cache of our own layout that is only read: what the tests of layers ask below a cache of their own. */
import { chmodSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import type { Options } from '../../src/options.js'
import type { Provider } from '../../src/providers/index.js'
import { cacheLayout } from '../../src/store/layout.js'
import { acme, type Publisher, startPublisher } from '../support/publisher.js'
import { serve } from '../support/signed.js'
import { ensureFrom } from './ensure-from.js'

export const image = smallQcow2('acme 1')

export interface Layered extends AsyncDisposable {
  readonly publisher: Publisher
  readonly layer: string
  readonly options: Options
  /** All that is in the layer, with its times and bytes. */
  readonly tree: () => unknown
  /** How often the publisher was asked since the layer was filled. */
  readonly asked: () => number
}

/** A layer that a run of somebody else has filled, and that nobody may write. */
export async function startLayered(
  provider: Provider = acme,
  files: Parameters<typeof serve>[1] = {},
): Promise<Layered> {
  const publisher = await startPublisher({ '1': image })
  const layer = join(publisher.directory, 'layer')
  serve(publisher, files)
  await ensureFrom(publisher, { provider }, { cacheDir: layer })
  const before = publisher.mirror.requests.length
  const entries = () => ['.', ...readdirSync(layer, { recursive: true, encoding: 'utf8' }).toSorted()]
  for (const entry of entries()) {
    const path = join(layer, entry)
    if (lstatSync(path).isDirectory()) chmodSync(path, 0o555)
  }
  return {
    publisher,
    layer,
    options: { extraCacheDirs: [layer] },
    tree: () => entries().map((entry) => [entry, stateOf(join(layer, entry))]),
    asked: () => publisher.mirror.requests.length - before,
    async [Symbol.asyncDispose]() {
      for (const entry of entries()) {
        const path = join(layer, entry)
        if (lstatSync(path).isDirectory()) chmodSync(path, 0o755)
      }
      await publisher[Symbol.asyncDispose]()
    },
  }
}

/** A lease is one more link of a file, which changes its count of links and its ctime, and nothing else of it. */
function stateOf(path: string): unknown {
  const { mode, nlink, mtimeMs, ctimeMs } = lstatSync(path)
  if (lstatSync(path).isFile()) return { mode, mtimeMs, bytes: readFileSync(path, 'base64') }
  return { mode, mtimeMs, nlink, ctimeMs }
}

/** Where a layer has its only image. */
export const diskOf = (layer: string) => {
  const { images } = cacheLayout(layer)
  return join(images, String(readdirSync(images)[0]), 'disk')
}
