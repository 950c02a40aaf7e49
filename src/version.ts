/**
 * Versions and builds in order: 9 before 10, 15.9 before 15.10, r2 before r10, 20260705 before 20260712.1. They are
 * compared as texts of numbers and words, never as floating point numbers, of which 15.10 is smaller than 15.9.
 */

/** One end of a range of versions. */
interface Bound {
  readonly operator: '<' | '<=' | '>' | '>='
  readonly version: string
}

/** Versions between bounds; all of them have to hold. */
export type VersionRange = readonly Bound[]

/**
 * Tells which of two versions is older: negative when `a` is, positive when `b` is, 0 only for the same text.
 *
 * Runs of digits count as whole numbers of any length, runs of letters by the alphabet (ALPHA, BETA, RC, RELEASE fall
 * into place), a word before a number, and a version before its own continuation: 20260526 before 20260526.0.
 * What stands between the runs counts only when nothing else differs, as do leading zeros.
 */
export function compareVersions(a: string, b: string): number {
  const theirs = runs(b)
  const ours = runs(a)
  for (const [index, our] of ours.entries()) {
    const their = theirs[index]
    if (their === undefined) return 1
    const order = compareRuns(our, their)
    if (order !== 0) return order
  }
  return ours.length - theirs.length || compareTexts(a, b)
}

/** Reads bounds with blanks between them, as in `>=40 <43`; undefined when the text is something else. */
export function parseVersionRange(text: string): VersionRange | undefined {
  const bounds: Bound[] = []
  for (const piece of text
    .trim()
    .replaceAll(/([<>]=?)\s+/g, '$1')
    .split(/\s+/)) {
    const [, operator, version] = /^([<>]=?)([\w.-]+)$/.exec(piece) ?? []
    if (!isOperator(operator) || version === undefined) return undefined
    bounds.push({ operator, version })
  }
  return bounds
}

/** Whether a version lies between the bounds. `<=15` ends at 15 itself: 15.6 comes after it. */
export function isInRange(version: string, range: VersionRange): boolean {
  return range.every((bound) => {
    const order = compareVersions(version, bound.version)
    if (bound.operator === '<') return order < 0
    if (bound.operator === '<=') return order <= 0
    return bound.operator === '>' ? order > 0 : order >= 0
  })
}

function runs(version: string): readonly string[] {
  return version.match(/\d+|[a-z]+/gi) ?? []
}

function compareRuns(a: string, b: string): number {
  const aIsNumber = isNumber(a)
  if (aIsNumber !== isNumber(b)) return aIsNumber ? 1 : -1
  if (!aIsNumber) return compareTexts(a.toLowerCase(), b.toLowerCase())
  const [left, right] = [withoutZeros(a), withoutZeros(b)]
  return left.length - right.length || compareTexts(left, right)
}

function isNumber(run: string): boolean {
  return /^\d/.test(run)
}

function withoutZeros(digits: string): string {
  return digits.replace(/^0+(?=\d)/, '')
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function isOperator(text: string | undefined): text is Bound['operator'] {
  return text === '<' || text === '<=' || text === '>' || text === '>='
}
