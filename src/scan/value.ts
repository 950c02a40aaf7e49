/** Value: what is known of an expression without running it. */

/** Functions that open an image. */
const openerNames = ['useVmImage', 'openVmImage'] as const
export type OpenerName = (typeof openerNames)[number] | 'vmImage'
export type Literal = string | number | boolean | null | undefined | RegExp

export type Value =
  | { readonly kind: 'literal'; readonly value: Literal }
  | { readonly kind: 'array'; readonly elements: readonly Value[] }
  | { readonly kind: 'record'; readonly fields: ReadonlyMap<string, Value> }
  /** All that vmimage, or a file of the project which may hand it on, exports. */
  | { readonly kind: 'module' }
  /** What a test function is given. */
  | { readonly kind: 'context' }
  | { readonly kind: 'opener'; readonly name: OpenerName }
  /** Anything. */
  | { readonly kind: 'unread' }

/** What an expression may be, one of these. Never empty. */
export type Alternatives = readonly Value[]

export const unread: Value = { kind: 'unread' }
export const unreadable: Alternatives = [unread]

/** More is no list that somebody wrote: it would only cost time. */
const maxAlternatives = 100
const maxElements = 10_000
const maxTextLength = 4000

export function literal(value: Literal): Value {
  return { kind: 'literal', value }
}

export function arrayOf(elements: readonly Value[]): Value {
  return elements.length > maxElements ? unread : { kind: 'array', elements }
}

export function textOf(parts: readonly Value[]): Value {
  const texts = parts.map((part) => (part.kind === 'literal' ? String(part.value) : undefined))
  if (texts.includes(undefined)) return unread
  return texts.reduce((length, text = '') => length + text.length, 0) > maxTextLength
    ? unread
    : literal(texts.join(''))
}

export function either(...choices: readonly Alternatives[]): Alternatives {
  const all = choices.flat()
  return all.length > maxAlternatives ? [...all.slice(0, maxAlternatives), unread] : all
}

/**
 * A value made of others. Where two of them have alternatives, nobody knows which go together, and a guess would be an
 * image that no test asks for.
 */
export function combine(
  parts: readonly Alternatives[],
  join: (values: readonly Value[]) => Value,
): Alternatives {
  const open = parts.findIndex((part) => part.length > 1)
  const only = parts.map(([first = unread]) => first)
  if (open === -1) return [join(only)]
  if (parts.findLastIndex((part) => part.length > 1) !== open) return unreadable
  return parts[open]?.map((value) => join(only.with(open, value))) ?? unreadable
}

export function memberOf(value: Value, key: Value): Value {
  if (key.kind !== 'literal') return unread
  const name = String(key.value)
  if (value.kind === 'record') return value.fields.get(name) ?? literal(undefined)
  if (value.kind === 'array')
    return /^\d+$/.test(name) ? (value.elements[Number(name)] ?? literal(undefined)) : unread
  if (value.kind === 'context' && name === 'vmImage') return { kind: 'opener', name }
  if (value.kind !== 'module') return unread
  if (name === 'default') return value
  const opener = openerNames.find((known) => known === name)
  return opener === undefined ? unread : { kind: 'opener', name: opener }
}

/** The elements of what is iterated over; undefined: nobody knows. */
export function elementsOf(value: Value): readonly Value[] | undefined {
  return value.kind === 'array' ? value.elements : undefined
}
