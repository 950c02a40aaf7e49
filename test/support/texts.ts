/**
 * Texts for property tests: anything at all, and valid pages with pieces cut out, doubled, moved or put in.
 */
import * as fc from 'fast-check'

/** No text is longer, in characters. */
const maxLength = 65_536

/** Any characters, also halves of them; any bytes, as a server's UTF-8 or Latin-1; or the words of `pages`. */
export function anyText(pages: readonly string[]): fc.Arbitrary<string> {
  const words = pages.flatMap((page) => page.match(/\w+|\s+|[^\w\s]+/g) ?? [])
  const bytes = fc.uint8Array({ size: 'large' }).map((array) => Buffer.from(array))
  return fc.oneof(
    fc.string({ unit: 'binary', size: 'large' }),
    halves(),
    bytes.map((array) => array.toString('utf8')),
    bytes.map((array) => array.toString('latin1')),
    fc.array(fc.constantFrom(...words), { size: 'large' }).map((chosen) => chosen.join('')),
  )
}

/** Any characters, and halves of those that are written as two. */
export function halves(): fc.Arbitrary<string> {
  return fc.string({ unit: fc.nat({ max: 0xffff }).map((unit) => String.fromCharCode(unit)) })
}

/** One of `pages`, changed a few times: a piece of it deleted, doubled many times or put elsewhere, or one of `pieces` put in. */
export function mutated(pages: readonly string[], pieces: readonly string[]): fc.Arbitrary<string> {
  const change = fc.record({
    from: fc.nat(),
    length: fc.nat({ max: 200 }),
    to: fc.nat(),
    kind: fc.oneof(
      fc.constantFrom('delete', 'repeat', 'move'),
      fc.record({ put: fc.constantFrom(...pieces) }),
    ),
  })
  return fc
    .tuple(fc.constantFrom(...pages), fc.array(change, { minLength: 1, maxLength: 12 }))
    .map(([page, changes]) =>
      changes.reduce((text, { from, length, to, kind }) => {
        const start = from % (text.length + 1)
        const piece = text.slice(start, start + length)
        const rest = text.slice(0, start) + text.slice(start + length)
        const at = to % (rest.length + 1)
        if (kind === 'delete') return rest
        if (kind === 'move') return rest.slice(0, at) + piece + rest.slice(at)
        if (kind === 'repeat') return text.slice(0, start) + piece.repeat(1 + (to % 200)) + text.slice(start)
        return text.slice(0, start) + kind.put + text.slice(start)
      }, page),
    )
    .map((text) => text.slice(0, maxLength))
}
