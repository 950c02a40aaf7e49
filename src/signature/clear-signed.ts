/**
 * Clear-signed texts (RFC 9580, section 7): the lines that were signed, apart from all that somebody can put around
 * them. Only one block is allowed, so that nobody has to tell which one counts.
 */
import { type Claim, signatureError } from './refusal.js'

export interface ClearSigned {
  /** What was signed, with `\n` between the lines and without blanks at their ends; dash-escapes are undone. */
  readonly payload: string
  /** The armoured signature. */
  readonly armour: string
}

const markers = [
  '-----BEGIN PGP SIGNED MESSAGE-----',
  '-----BEGIN PGP SIGNATURE-----',
  '-----END PGP SIGNATURE-----',
] as const

/**
 * @throws VmImageError SIGNATURE_MISSING when there is no signed text or no signature in it, SIGNATURE_INVALID when there
 * is more than one or it is not well formed.
 */
export function parseClearSigned(body: string, claim: Claim): ClearSigned {
  const lines = body.split(/\r?\n/).map(withoutTrailingBlanks)
  const [begins, middles, ends] = markers.map((marker) =>
    lines.flatMap((line, index) => (line === marker ? [index] : [])),
  )
  const [begin, middle, end] = [begins?.[0], middles?.[0], ends?.[0]]
  if (begin === undefined || middle === undefined) {
    throw signatureError('SIGNATURE_MISSING', claim, 'is not there; a clear-signed text is wanted')
  }
  const broken = (found: string) =>
    signatureError('SIGNATURE_INVALID', claim, `is not well formed: ${found}; one signed text is wanted`)

  if ([begins, middles, ends].some((found) => found && found.length > 1)) throw broken('more than one block')
  if (end === undefined || middle < begin || end < middle) throw broken('its parts are not in order')
  const start = lines.indexOf('', begin) + 1
  if (start === 0 || start > middle) throw broken('no empty line before the text')
  if (lines.slice(begin + 1, start - 1).some((line) => !line.startsWith('Hash: '))) {
    throw broken('a header that is not "Hash"')
  }
  const escaped = lines.slice(start, middle)
  if (escaped.some((line) => /^-(?! )/.test(line))) throw broken('a line that begins with a bare dash')
  return {
    payload: escaped.map((line) => line.replace(/^- /, '')).join('\n'),
    armour: lines.slice(middle, end + 1).join('\n'),
  }
}

/** Not by a regular expression: `/[ \t]+$/` takes quadratic time for a line of blanks that ends with something else. */
function withoutTrailingBlanks(line: string): string {
  let end = line.length
  while (end > 0 && ' \t\r'.includes(line.charAt(end - 1))) end -= 1
  return line.slice(0, end)
}
