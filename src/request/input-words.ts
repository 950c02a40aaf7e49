/**
 * The words of a request, as a text to find it again by: who has read a request once need not read the same words
 * anew, which takes the whole drawer of providers.
 */
import type { ImageInput } from './request.js'

/**
 * The same text for the same words. Undefined where a text cannot say it all, as with regular expressions and providers,
 * or where it depends on more than the words, as a relative path does.
 */
export function inputWords(input: ImageInput): string | undefined {
  const fields: unknown = typeof input === 'string' ? { name: input } : input
  if (!isRecord(fields)) return undefined
  const isPlain = Object.values(fields).every((value) =>
    ['string', 'number', 'undefined'].includes(typeof value),
  )
  if (!isPlain || startsWith(/^[.~]/, fields['name']) || startsWith(/^[^/]/, fields['path'])) return undefined
  return JSON.stringify(fields, Object.keys(fields).toSorted())
}

/** Callers in plain JavaScript pass anything. */
function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function startsWith(pattern: RegExp, value: unknown): boolean {
  return typeof value === 'string' && pattern.test(value)
}
