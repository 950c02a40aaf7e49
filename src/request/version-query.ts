/**
 * VersionQuery: which of the published versions a request means. `41` or `24.04` is that version, or the newest that
 * continues it (`15` finds 15.6, never 150); `noble` a codename; `>=40 <43` a range; `latest`; or a RegExp.
 */
import { isRegExp } from 'node:util/types'
import { isInRange, parseVersionRange, versionOrder, type VersionRange } from '../version.js'
import { invalidRequest } from './invalid.js'

/** `text` is what was asked, for messages and keys. */
export type VersionQuery =
  | { readonly kind: 'latest'; readonly text: string }
  | { readonly kind: 'name'; readonly text: string }
  | { readonly kind: 'range'; readonly text: string; readonly range: VersionRange }
  | { readonly kind: 'pattern'; readonly text: string; readonly pattern: RegExp }

/** What a provider says of its versions. */
export interface VersionFacts {
  /** Codename of each version, `{ '24.04': 'noble' }`. */
  readonly codenames: Readonly<Record<string, string>>
  /** Other names of versions, `{ stable: '13' }`. */
  readonly versionNames: Readonly<Record<string, string>>
  /** Versions whose numbers do not say when they came, oldest first. */
  readonly versionOrder: readonly string[]
}

const noFacts: VersionFacts = { codenames: {}, versionNames: {}, versionOrder: [] }

/**
 * Reads a version as it stands in a request. Default `latest`.
 *
 * @throws VmImageError INVALID_REQUEST for what is none, for a number like 15.10, which JavaScript cannot tell from 15.1,
 *   and for a range that begins or ends at a word that is no codename.
 */
export function parseVersionQuery(
  version: string | number | RegExp | undefined = 'latest',
  facts: VersionFacts = noFacts,
): VersionQuery {
  if (isRegExp(version)) return { kind: 'pattern', text: String(version), pattern: version }
  if (typeof version === 'number' && !(Number.isSafeInteger(version) && version >= 0)) {
    const isFraction = Number.isFinite(version) && version > 0
    throw invalidRequest(
      'version',
      version,
      `a whole number, or a text${isFraction ? `: version: '${version}' with its zeros` : ' such as "41"'}`,
    )
  }
  const text = String(version).trim()
  const range = parseVersionRange(text)
  if (range) {
    return { kind: 'range', text: text.replaceAll(/\s+/g, ' '), range: withoutNames(range, facts) }
  }
  if (text.toLowerCase() === 'latest') return { kind: 'latest', text: 'latest' }
  if (/^\w[\w.+-]*$/.test(text)) return { kind: 'name', text: facts.versionNames[text.toLowerCase()] ?? text }
  throw invalidRequest('version', version, '"41", "15", ">=40 <43", a codename, "latest" or a RegExp')
}

/** The versions that the query means, newest first. One that is exactly what was asked leaves no room for others. */
export function selectVersions(
  query: VersionQuery,
  versions: readonly string[],
  facts: VersionFacts,
): readonly string[] {
  const compare = versionOrder(facts.versionOrder)
  const exact = versions.filter((version) => isExactly(query, version, facts))
  const chosen = exact.length > 0 ? exact : versions.filter((version) => fits(query, version, facts))
  return chosen.toSorted((a, b) => compare(b, a))
}

/** Whether the query names this very version, so that no other list of versions could have a better answer. */
export function isExactly(query: VersionQuery, version: string, { codenames }: VersionFacts): boolean {
  if (query.kind !== 'name') return false
  return query.text === version || query.text.toLowerCase() === codenames[version]
}

/** Whether a version is the other one or goes on where that ends: 15.6 after 15, never 150 after 15. */
export function isContinuation(version: string, beginning: string): boolean {
  return version.startsWith(beginning) && /^(?:$|[^\da-z])/i.test(version.slice(beginning.length))
}

/** Names have no order of their own: their versions have. */
function withoutNames(range: VersionRange, { codenames, versionNames }: VersionFacts): VersionRange {
  return range.map((bound) => {
    if (/^\d/.test(bound.version)) return bound
    const name = bound.version.toLowerCase()
    const version = versionNames[name] ?? Object.keys(codenames).find((known) => codenames[known] === name)
    if (version !== undefined) return { ...bound, version }
    const known = Object.values(codenames).join(', ') || 'it has none'
    throw invalidRequest(
      'version',
      bound.version,
      `a number or a codename of the publisher (${known}) in a range`,
    )
  })
}

function fits(query: VersionQuery, version: string, facts: VersionFacts): boolean {
  if (query.kind === 'latest') return true
  if (query.kind === 'name') return isContinuation(version, query.text)
  if (query.kind === 'pattern') return matchesWhole(query.pattern, version)
  return isInRange(version, query.range, versionOrder(facts.versionOrder))
}

/** A pattern has to fit the whole text: `/4/` means version 4 and not 14, 40 and 24.04. */
export function matchesWhole(pattern: RegExp, text: string): boolean {
  // Anchored, so that an alternative that fits only a part does not hide one that fits the whole.
  return new RegExp(`^(?:${pattern.source})$`, pattern.flags.replaceAll(/[gy]/g, '')).test(text)
}
