/** Signatures over an image itself: they are checked when all of it is here, and make it `signed`. */
import type { Context } from '../context.js'
import { factsOf, type ImageFacts } from '../image-facts.js'
import { verifyFile } from '../signature/verify.js'
import { keyCache } from '../store/keys.js'
import type { CacheLayout } from '../store/layout.js'
import type { Source } from './source.js'

/**
 * What is known of a source once the file at `path`, as it was served, is here.
 *
 * @throws VmImageError SIGNATURE_INVALID and the others of signatures, when it has one that does not hold.
 */
export async function provenFacts(
  layout: CacheLayout,
  path: string,
  source: Source,
  context: Context,
): Promise<ImageFacts> {
  const facts = factsOf(source)
  if (source.proof === undefined) return facts
  const { signer, ...signature } = source.proof
  const evidence = { context, keyCache: keyCache(layout) }
  const { fingerprint } = await verifyFile(path, source.fileName, signature, signer, evidence)
  return { ...facts, trust: 'signed', signedBy: fingerprint }
}
