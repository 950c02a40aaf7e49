/** The bar: which images a caller takes. A file of the user's own is the user's word itself, and passes. */
import type { Context } from '../context.js'
import { describeRequest, type ImageRequest } from '../request/request.js'
import { requireTrust, type Trust } from '../trust.js'

/** @throws VmImageError UNTRUSTED when an image is trusted less than its request, or else the context, asks for. */
export function checkTrust(
  request: ImageRequest,
  trust: Trust,
  context: Pick<Context, 'minimumTrust'>,
): void {
  if (request.kind === 'file') return
  requireTrust(describeRequest(request), trust, request.minimumTrust ?? context.minimumTrust)
}
