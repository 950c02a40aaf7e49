/** A file that is used where it lies: it needs no cache, is never fetched, and may come and go as its owner likes. */
import { compressionOf } from '../compression.js'
import type { FileRequest, ImageRequest } from './request.js'

/** False of a packed file, which has to be unpacked into the cache first. */
export function isPlainFile(request: ImageRequest): request is FileRequest {
  return request.kind === 'file' && compressionOf(request.path) === 'none'
}
