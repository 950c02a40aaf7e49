/** Directories: where a publisher may keep what was asked for, told from their names before any of them is opened. */
import {
  isContinuation,
  isExactly,
  selectVersions,
  type VersionFacts,
  type VersionQuery,
} from '../request/version-query.js'
import { type CompareVersions, isInRange, versionOrder } from '../version.js'

/**
 * The directories to look into, newest first, each once. A directory may hold versions that go on where its name ends,
 * so 9 is one of them for 9.7 and for `>9 <10`. One that is exactly what was asked leaves no room for others.
 */
export function directoriesFor(
  query: VersionQuery,
  versions: readonly string[],
  facts: VersionFacts,
): readonly string[] {
  const compare = versionOrder(facts.versionOrder)
  const fitting = selectVersions(query, versions, facts)
  if (fitting.some((version) => isExactly(query, version, facts))) return [...new Set(fitting)]
  const holding = versions.filter((version) => fitting.includes(version) || mayHold(query, version, compare))
  // A pattern that fits no directory may fit a file in any of them.
  const chosen = query.kind === 'pattern' && holding.length === 0 ? versions : holding
  return [...new Set(chosen)].toSorted((a, b) => compare(b, a))
}

function mayHold(query: VersionQuery, directory: string, compare: CompareVersions): boolean {
  if (query.kind === 'name') return isContinuation(query.text, directory)
  if (query.kind !== 'range') return false
  return query.range.every((bound) => {
    const isBelow = bound.operator.startsWith('>') && isContinuation(bound.version, directory)
    return isBelow || isInRange(directory, [bound], compare)
  })
}
