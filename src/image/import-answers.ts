/**
 * Which requests an imported file answers. Only those that say as much as was said of the file: an import of Fedora 44
 * is `fedora:44`, and `fedora` stays what its publisher has, unless the import names no version or says so itself.
 */
import type { Arch } from '../arch.js'
import type { NamedRequest } from '../request/request.js'
import { invalidRequest } from '../request/invalid.js'
import { parseVersionQuery } from '../request/version-query.js'
import { askedVariant, defaultVariant } from '../resolve/variant.js'

export interface ImportedSystem {
  /** Empty where none was said. */
  readonly version: string
  readonly build: string | undefined
  readonly arch: Arch
  readonly variant: string | undefined
  /** In the order in which people would think of them. */
  readonly answers: readonly NamedRequest[]
}

/**
 * What an import is, from the request that describes it.
 *
 * @throws VmImageError INVALID_REQUEST for a version or build that is no single one, or a variant that there is not.
 */
export function importedSystem(described: NamedRequest, defaultArch: Arch): ImportedSystem {
  const { provider, version, build } = described
  const arch = described.arch ?? defaultArch
  if (version.kind === 'range' || version.kind === 'pattern')
    throw invalidRequest('version', version.text, one)
  if (typeof build === 'object') throw invalidRequest('build', build, 'one build')
  const variant = askedVariant(described, arch)
  const number = version.kind === 'name' ? numberOf(version.text, provider.codenames) : undefined
  const texts =
    number === undefined ? ['latest'] : [number, provider.codenames[number], version.text].filter(isText)
  const isDefault = variant === undefined || variant === defaultVariant(provider, arch, number)
  const answers = [...new Set(texts)]
    .map((text) => ({ ...described, arch, version: parseVersionQuery(text, provider) }))
    .flatMap((request) => withAndWithout(request, 'build', true))
    .flatMap((request) => withAndWithout(request, 'variant', isDefault))
    .flatMap((request) => withAndWithout(request, 'checksum', true))
  return { version: number ?? '', build, arch, variant, answers }
}

const one = 'one version, "44" or a codename; without --version the file answers the plain name'

function numberOf(text: string, codenames: Readonly<Record<string, string>>): string {
  const named = Object.keys(codenames).find((version) => codenames[version] === text.toLowerCase())
  return named ?? text
}

/** A request that says less is answered too, where the file is what it would mean. */
function withAndWithout(
  request: NamedRequest,
  field: 'build' | 'variant' | 'checksum',
  isMeantWithout: boolean,
): readonly NamedRequest[] {
  if (request[field] === undefined) return [request]
  return isMeantWithout ? [{ ...request, [field]: undefined }, request] : [request]
}

function isText(text: string | undefined): text is string {
  return text !== undefined
}
