/** The real resolver against a loopback mirror, with what it reported on the way. */
import { makeContext } from '../../src/context.js'
import { createHttp } from '../../src/http/http.js'
import type { ReportEvent } from '../../src/report.js'
import { type ImageInput, parseRequest } from '../../src/request/request.js'
import { type ResolvedImage, resolveImage } from '../../src/resolve/resolve.js'
import type { KeyCache } from '../../src/signature/key-cache.js'
import type { Mirror } from '../support/mirror.js'

export async function resolveThrough(
  mirror: Pick<Mirror, 'url'>,
  input: ImageInput,
  warnings: string[] = [],
): Promise<ResolvedImage> {
  // Publishers without https are asked through the proxy, so that nothing ever leaves this machine.
  const proxy = { http: new URL(mirror.url).origin, https: undefined, except: '127.0.0.1' }
  const http = createHttp({
    mirror: mirror.url,
    offline: false,
    proxy,
    timeouts: { retryMs: 1, retryMaxMs: 2 },
  })
  const request = parseRequest(input)
  if (request.kind !== 'named') throw new TypeError('Only names are resolved.')
  const options = {
    arch: 'x86_64',
    report: (event: ReportEvent) => {
      if (event.type === 'warning') warnings.push(event.message)
    },
  }
  try {
    return await resolveImage(request, { ...makeContext(options, {}), http }, keysInMemory())
  } finally {
    await http.close()
  }
}

export function keysInMemory(): KeyCache {
  const keys = new Map<string, Uint8Array>()
  return {
    find: (fingerprint) => keys.get(fingerprint),
    keep: (fingerprint, key) => void keys.set(fingerprint, key),
  }
}
