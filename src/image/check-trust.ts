/**
 * The bar: which images a caller takes. A file of the user's own is the user's word itself, and passes unless that same
 * word asks for more.
 */
import type { Context } from '../context.js'
import type { ImageFacts } from '../image-facts.js'
import { describeRequest, type ImageRequest } from '../request/request.js'
import { isEnough, requireTrust } from '../trust.js'

type Facts = Pick<ImageFacts, 'trust' | 'url'>
type Bar = Pick<Context, 'minimumTrust'>

export function isTrusted(request: ImageRequest, { trust, url }: Facts, context: Bar): boolean {
  if (url.startsWith('file:') && request.minimumTrust === undefined) return true
  return isEnough(trust, request.minimumTrust ?? context.minimumTrust)
}

/** @throws VmImageError UNTRUSTED when an image is trusted less than its request, or else the context, asks for. */
export function checkTrust(request: ImageRequest, facts: Facts, context: Bar): void {
  if (isTrusted(request, facts, context)) return
  requireTrust(describeRequest(request), facts.trust, request.minimumTrust ?? context.minimumTrust)
}
