/** The bar: which images a caller takes. A file of the user's own is the user's word itself, and passes. */
import type { Context } from '../context.js'
import type { ImageFacts } from '../image-facts.js'
import { describeRequest, type ImageRequest } from '../request/request.js'
import { requireTrust } from '../trust.js'

/** @throws VmImageError UNTRUSTED when an image is trusted less than its request, or else the context, asks for. */
export function checkTrust(
  request: ImageRequest,
  { trust, url }: Pick<ImageFacts, 'trust' | 'url'>,
  context: Pick<Context, 'minimumTrust'>,
): void {
  if (url.startsWith('file:')) return
  requireTrust(describeRequest(request), trust, request.minimumTrust ?? context.minimumTrust)
}
