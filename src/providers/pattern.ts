/**
 * Templates: how a provider writes down addresses and names of files, `acme-{version}-{build}.{arch}.qcow2`. Read
 * one way they make a text from words, read the other way they find the words in a name.
 */
import { VmImageError } from '../errors.js'

/** What may stand between braces. */
const words = ['version', 'codename', 'build', 'arch', 'variant', 'file', 'checksums'] as const

export type Word = (typeof words)[number]

export type Words = Readonly<Partial<Record<Word, string | undefined>>>

/** A template, or a RegExp with groups of the same names for what a template cannot say. */
export type Pattern = string | RegExp

/** What `{arch}` and `{variant}` stand for at one publisher; without a list, any architecture and any word. */
export interface Vocabulary {
  readonly arches: readonly string[] | undefined
  readonly variants: readonly string[] | undefined
}

/**
 * Puts words into a template.
 *
 * @throws VmImageError INVALID_PROVIDER when the template asks for a word that is not known at this point.
 */
export function fillTemplate(template: string, values: Words): string {
  return template.replaceAll(placeholder, (_, name: string) => {
    const value = isWord(name) ? values[name] : undefined
    if (value !== undefined) return value
    const known = words.filter((word) => values[word] !== undefined).map((word) => `{${word}}`)
    throw new VmImageError(
      'INVALID_PROVIDER',
      `Cannot fill in "${template}": {${name}} is not known here, only ${known.join(' ') || 'plain text'} is.\n` +
        'Correct this template in the definition of the provider.',
    )
  })
}

/** The words of a template, or the groups of a RegExp, in their order. */
export function wordsOf(pattern: Pattern): readonly string[] {
  const found =
    typeof pattern === 'string' ? pattern.matchAll(placeholder) : pattern.source.matchAll(/\(\?<(\w+)>/g)
  return Array.from(found, ([, name = '']) => name)
}

/**
 * Finds the words in a name. The whole name has to fit, also when the pattern is a RegExp.
 *
 * `{version}` and `{build}` are numbers with dots (a build also with dashes), `{codename}` is letters, `{arch}` and
 * `{variant}` are what the vocabulary says. A word that comes twice has to be the same both times.
 */
export function readName(name: string, pattern: Pattern, vocabulary: Vocabulary): Words | undefined {
  const match = compile(pattern, vocabulary).exec(name)
  return match?.[0] === name ? { ...match.groups } : undefined
}

/** The pattern as people should see it in a message. */
export function formatPattern(pattern: Pattern): string {
  return typeof pattern === 'string' ? pattern : String(pattern)
}

const placeholder = /\{(\w*)\}/g

function compile(pattern: Pattern, vocabulary: Vocabulary): RegExp {
  // A sticky or global RegExp remembers where its last match ended.
  if (typeof pattern !== 'string') return new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ''))
  const seen = new Set<string>()
  const source = pattern
    .split(/(\{\w*\})/)
    .map((piece) => {
      const word = /^\{(\w*)\}$/.exec(piece)?.[1]
      if (word === undefined || !isWord(word)) return escape(piece)
      if (seen.has(word)) return `\\k<${word}>`
      seen.add(word)
      return `(?<${word}>${shapeOf(word, vocabulary)})`
    })
    .join('')
  return new RegExp(`^${source}$`)
}

function shapeOf(word: Word, vocabulary: Vocabulary): string {
  if (word === 'version') return String.raw`\d+(?:\.\d+)*`
  if (word === 'build') return String.raw`\d+(?:[.-]\d+)*`
  if (word === 'codename') return '[a-z]+'
  if (word === 'arch') return anyOf(vocabulary.arches) ?? String.raw`[a-z]\w*`
  if (word === 'variant') return anyOf(vocabulary.variants) ?? String.raw`[A-Za-z][\w-]*`
  return '.+'
}

function anyOf(choices: readonly string[] | undefined): string | undefined {
  return choices?.map(escape).join('|')
}

function escape(text: string): string {
  return text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)
}

function isWord(name: string): name is Word {
  return words.some((word) => word === name)
}
