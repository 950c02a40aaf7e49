/** The real resolver against a loopback mirror, with what it reported on the way. */
import { makeContext } from '../../src/context.js'
import { createHttp } from '../../src/http/http.js'
import { type ImageInput, parseRequest } from '../../src/request/request.js'
import { type ResolvedImage, resolveImage } from '../../src/resolve/resolve.js'
import type { Mirror } from '../support/mirror.js'

export async function resolveThrough(
  mirror: Pick<Mirror, 'url'>,
  input: ImageInput,
  warnings: string[] = [],
): Promise<ResolvedImage> {
  const proxy = { http: undefined, https: undefined, except: undefined }
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
    report: (event: { readonly type: string; readonly message?: string }) =>
      void warnings.push(event.message ?? ''),
  }
  try {
    return await resolveImage(request, { ...makeContext(options, {}), http })
  } finally {
    await http.close()
  }
}
