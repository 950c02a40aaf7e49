/** Variant: which kind of image a request means, where a publisher has several. */
import type { Arch } from '../arch.js'
import { VmImageError } from '../errors.js'
import type { Provider } from '../providers/index.js'
import { wordsOf } from '../providers/pattern.js'
import type { NamedRequest } from '../request/request.js'
import { isInRange, parseVersionRange, versionOrder } from '../version.js'

/**
 * The variant that was asked for, by its publisher's spelling; undefined when none was.
 *
 * @throws VmImageError INVALID_REQUEST for one that the publisher does not have.
 */
export function askedVariant({ provider, variant: asked }: NamedRequest, arch: Arch): string | undefined {
  if (asked === undefined) return undefined
  const { name, variants } = provider
  if (!hasKinds(provider)) {
    throw new VmImageError(
      'INVALID_REQUEST',
      `Cannot find variant "${asked}" of "${name}": its publisher has one kind of image only.\n` +
        'Leave { variant } out.',
    )
  }
  if (variants.length === 0) return asked
  const fitting = variants
    .filter(({ arches }) => arches?.includes(arch) ?? true)
    .map((variant) => variant.name)
  const variant = fitting.find((known) => known.toLowerCase() === asked.toLowerCase())
  if (variant !== undefined) return variant
  throw new VmImageError(
    'INVALID_REQUEST',
    `Cannot find variant "${asked}" of "${name}" for ${arch}: its publisher has no such kind of image.\n` +
      `Ask for one that it has: ${fitting.join(', ')}.`,
  )
}

/** The first that is made for the architecture and, where that is known, the version; undefined where there are no kinds. */
export function defaultVariant(
  provider: Provider,
  arch: Arch,
  version: string | undefined,
): string | undefined {
  const compare = versionOrder(provider.versionOrder)
  return provider.variants.find(({ arches, versions }) => {
    const isMade = arches?.includes(arch) ?? true
    const isTime =
      version === undefined ||
      versions === undefined ||
      isInRange(version, parseVersionRange(versions) ?? [], compare)
    return isMade && isTime
  })?.name
}

function hasKinds({ variants, imagePattern, sources }: Provider): boolean {
  const patterns = [imagePattern, ...sources.map((site) => site.imagePattern ?? [])].flat()
  return variants.length > 0 || patterns.some(({ pattern }) => wordsOf(pattern).includes('variant'))
}
