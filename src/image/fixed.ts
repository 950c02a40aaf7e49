/** Requests that mean the same image on every day: what says itself what it is, or lies on this machine. */
import { isWeak } from '../digest.js'
import type { ImageRequest } from '../request/request.js'

/** Whether a request is the same without a pin. */
export function isFixed(request: ImageRequest): boolean {
  const isDigested = request.checksum !== undefined && !isWeak(request.checksum.algorithm)
  return isDigested || isOfThisMachine(request)
}

/** Whether the image is a file of this machine: named itself, or by a provider whose images lie in a directory. */
export function isOfThisMachine(request: ImageRequest): boolean {
  if (request.kind === 'file') return true
  return (
    request.kind === 'named' &&
    request.provider.sources.every(({ imagesUrl }) => imagesUrl.startsWith('file:'))
  )
}
