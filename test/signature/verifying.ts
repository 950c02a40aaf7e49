/** What every test of signatures needs: a server that has keys, a cache, and a context that asks the one with the other. */
import { join } from 'node:path'
import { type Context, makeContext } from '../../src/context.js'
import type { Options } from '../../src/options.js'
import { createHttp } from '../../src/http/http.js'
import type { Signer } from '../../src/providers/definition.js'
import type { KeyCache } from '../../src/signature/key-cache.js'
import { keyCache } from '../../src/store/keys.js'
import { cacheLayout } from '../../src/store/layout.js'
import type { TestKey } from '../support/keys.js'
import { type Mirror, startMirror } from '../support/mirror.js'
import type { MirrorFile } from '../support/mirror-tree.js'
import { tempDir } from '../support/temp-dir.js'

export interface Verifying extends AsyncDisposable {
  readonly mirror: Mirror
  readonly directory: string
  readonly evidence: { readonly context: Context; readonly keyCache: KeyCache }
  /** Changes what the server has. */
  serve(key: TestKey | MirrorFile): void
  /** Pins the keys, and knows the address of the server. */
  pin(...keys: readonly TestKey[]): Signer
}

export const keyUrl = 'https://keys.example.org/acme.asc'
const keyPath = '/keys.example.org/acme.asc'

/** @param served what the server has at first. */
export async function startVerifying(
  served: TestKey | MirrorFile,
  options: Options = {},
): Promise<Verifying> {
  const directory = await tempDir()
  const mirror = await startMirror({ [keyPath]: fileOf(served) })
  const proxy = { http: undefined, https: undefined, except: undefined }
  const timeouts = { retryMs: 1, retryMaxMs: 5 }
  const http = createHttp({ mirror: mirror.url, offline: options.offline ?? false, proxy, timeouts })
  const context = { ...makeContext({ cacheDir: join(directory.path, 'cache'), ...options }, {}), http }
  return {
    mirror,
    directory: directory.path,
    evidence: { context, keyCache: keyCache(cacheLayout(context.cacheDir)) },
    serve: (next) => mirror.fail(keyPath, { swap: fileOf(next) }),
    pin: (...keys) => ({ fingerprints: keys.map(({ fingerprint }) => fingerprint), keyUrls: [keyUrl] }),
    async [Symbol.asyncDispose]() {
      await http.close()
      await mirror[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

function fileOf(served: TestKey | MirrorFile): MirrorFile {
  return typeof served === 'object' && 'armored' in served ? served.armored : served
}
