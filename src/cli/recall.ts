/** `vmimage --offline resolve`: which file a name was when its publisher was asked last, however long ago that is. */
import type { Context } from '../context.js'
import { checkTrust } from '../image/check-trust.js'
import { findKnown } from '../image/known-resolution.js'
import { offlineRefusal } from '../image/find-source.js'
import { staleText } from '../image/stale.js'
import { factsOf, type ImageFacts } from '../image-facts.js'
import type { NamedRequest } from '../request/request.js'
import { cacheLayout } from '../store/layout.js'
import { findImage } from '../store/store.js'
import { printRows, printValue } from './print.js'

/** Also what is printed as JSON. */
interface RecalledImage extends ImageFacts {
  readonly digest: string
  readonly resolved: { readonly at: string; readonly stale: string }
  /** Where the image is; undefined when only its name is remembered. */
  readonly path: string | undefined
}

/** Shows what is remembered, and then says of what `fetch` would refuse why. @throws VmImageError OFFLINE, UNTRUSTED. */
export function showRecalled(requests: readonly NamedRequest[], isJson: boolean, context: Context): void {
  const recalled = requests.map((request) => recall(request, context))
  if (isJson) printValue(recalled)
  else for (const image of recalled) printRows(rowsOf(image))
  recalled.forEach((image, index) => {
    const [request] = requests.slice(index)
    if (request) checkTrust(request, image, context)
  })
}

function recall(request: NamedRequest, context: Context): RecalledImage {
  const layout = cacheLayout(context.cacheDir, context.shared)
  const known = findKnown(layout, request, context)
  if (known === undefined) throw offlineRefusal(request, context)
  const { digest, key, resolvedAt } = known
  return {
    ...factsOf(known),
    digest,
    resolved: {
      at: new Date(resolvedAt).toISOString(),
      stale: staleText(resolvedAt, 'the network is switched off.', context.now()),
    },
    path: findImage(layout, key)?.path,
  }
}

function rowsOf(image: RecalledImage): readonly (readonly string[])[] {
  return [
    ['name', `${image.name} ${image.version}`],
    ['build', image.build ?? '-'],
    ['arch', image.arch],
    ['variant', image.variant ?? '-'],
    ['url', image.url],
    ['digest', image.digest],
    ['trust', image.signedBy === undefined ? image.trust : `${image.trust} by ${image.signedBy}`],
    ['cached', image.path ?? 'no longer'],
    ['known', image.resolved.stale],
  ]
}
