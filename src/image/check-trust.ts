/** The bar, for who has read a request: which images it takes. */
import type { Context } from '../context.js'
import type { ImageFacts } from '../image-facts.js'
import { describeRequest, type ImageRequest } from '../request/request.js'
import { isTrusted, requireTrust } from '../trust.js'

/** @throws VmImageError UNTRUSTED when an image is trusted less than its request, or else the context, asks for. */
export function checkTrust(
  request: ImageRequest,
  facts: Pick<ImageFacts, 'trust' | 'url'>,
  context: Pick<Context, 'minimumTrust'>,
): void {
  if (isTrusted(request, facts, context)) return
  requireTrust(describeRequest(request), facts.trust, request.minimumTrust ?? context.minimumTrust)
}
