/**
 * Versions and builds in order: 9 before 10, 15.9 before 15.10, r2 before r10, 15.0-RC1 before 15.0. They are compared
 * as texts of numbers and words, never as floating point numbers, of which 15.10 is smaller than 15.9.
 *
 * The order is that of the numbers, not of the calendar: openSUSE went from Leap 42.3 to 15.0, and openEuler published
 * 24.03-LTS-SP4 after 24.09. Their providers say so, and `versionOrder()` makes the order out of both.
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
 * Runs of digits count as whole numbers of any length, runs of letters by the alphabet, a word before a number, and a
 * version before its own continuation: 20260526 before 20260526.0. Only alpha, beta, pre and rc come before the version
 * that they lead up to, and before every other word. What stands between the runs counts only when nothing else
 * differs, as do leading zeros.
 */
export function compareVersions(a: string, b: string): number {
  const [ours, theirs] = [runs(a), runs(b)]
  for (let index = 0; index < Math.max(ours.length, theirs.length); index += 1) {
    const order = compareRuns(ours[index] ?? '', theirs[index] ?? '')
    if (order !== 0) return order
  }
  return compareTexts(a, b)
}

/** Negative when `a` is older, positive when `b` is. */
export type CompareVersions = (a: string, b: string) => number

/**
 * The order of versions of which some came in another order than their numbers say: `listed`, oldest first, where
 * `42.*` stands for all that begin with `42.`, and `*` for all that are not listed; without it these come last. What the
 * listed ones go on from, as `42` or the `24` of a range, stands before the first of them.
 */
export function versionOrder(listed: readonly string[] = []): CompareVersions {
  const place = (version: string) => {
    const exact = listed.findIndex((entry) => entry === version || isCovered(version, entry))
    if (exact >= 0) return exact
    const first = listed.findIndex((entry) => entry !== '*' && isBeginning(version, entry))
    if (first >= 0) return first - 0.5
    return listed.includes('*') ? listed.indexOf('*') : listed.length
  }
  return (a, b) => place(a) - place(b) || compareVersions(a, b)
}

function isCovered(version: string, entry: string): boolean {
  return entry !== '*' && entry.endsWith('*') && version.startsWith(entry.slice(0, -1))
}

function isBeginning(version: string, entry: string): boolean {
  return entry.startsWith(version) && /^[^\da-z]/i.test(entry.slice(version.length))
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
export function isInRange(
  version: string,
  range: VersionRange,
  compare: CompareVersions = compareVersions,
): boolean {
  return range.every((bound) => {
    const order = compare(version, bound.version)
    if (bound.operator === '<') return order < 0
    if (bound.operator === '<=') return order <= 0
    return bound.operator === '>' ? order > 0 : order >= 0
  })
}

function runs(version: string): readonly string[] {
  return version.match(/\d+|[a-z]+/gi) ?? []
}

/** The end of a version is an empty run. */
function compareRuns(a: string, b: string): number {
  const order = rankOf(a) - rankOf(b)
  if (order !== 0) return order
  if (!isNumber(a)) return compareTexts(a.toLowerCase(), b.toLowerCase())
  const [left, right] = [withoutZeros(a), withoutZeros(b)]
  return left.length - right.length || compareTexts(left, right)
}

function rankOf(run: string): number {
  if (/^(?:alpha|beta|pre|rc)$/i.test(run)) return 0
  if (run === '') return 1
  return isNumber(run) ? 3 : 2
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
