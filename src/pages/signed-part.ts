/**
 * The signed part of a clear-signed text (RFC 9580, section 7), or the whole of any other. Nothing is verified here: what
 * lies outside is nobody's word, whoever signed the rest. By lines, not by one pattern: that takes hours for some texts.
 */
export function signedPart(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trimEnd())
  const begin = '-----BEGIN PGP SIGNED MESSAGE-----'
  if (!lines.some((line) => line.includes(begin))) return lines
  const first = lines.indexOf(begin)
  const headersEnd = lines.indexOf('', first)
  const last = lines.indexOf('-----BEGIN PGP SIGNATURE-----', headersEnd)
  if (first < 0 || headersEnd < 0 || last < 0) return []
  return lines.slice(headersEnd + 1, last).map((line) => line.replace(/^- /, ''))
}
