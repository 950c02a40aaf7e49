/**
 * What the fields of a definition hold, one by one. A definition may come from JavaScript or JSON, where types promise
 * nothing, and a text in the place of a list would only fail much later, or fit by accident.
 */
import { isRegExp } from 'node:util/types'
import { findArch } from '../arch.js'
import {
  type Facts,
  type ImagePattern,
  imagePatternsOf,
  type ProviderDefinition,
  type Site,
  sitesOf,
  type Variant,
} from './definition.js'

/** What is wrong with a definition. */
export interface Problem {
  readonly field: string
  readonly found: unknown
  readonly wanted: string
}

interface Shape {
  readonly wanted: string
  readonly fits: (value: unknown) => boolean
  readonly isRequired?: true
}

type Shapes<Key extends string> = Readonly<Record<Key, Shape>>

const text: Shape = { wanted: 'a text', fits: isText }
const texts: Shape = { wanted: 'a list of texts', fits: (value) => isListOf(isText, value) }
const textsByName: Shape = {
  wanted: 'a record of texts',
  fits: (value) => isRecord(value) && Object.values(value).every(isText),
}
const pattern: Shape = {
  wanted: 'a template like "acme-{version}.{arch}.qcow2" or a RegExp',
  fits: isPattern,
}
const arches: Shape = {
  wanted: 'a list of Linux\'s names, ["x86_64"]',
  fits: (value) => isListOf(isArch, value, 1),
}

const siteShapes: Shapes<keyof Site> = {
  versionsUrl: required(text),
  versionPattern: pattern,
  buildsUrl: text,
  buildPattern: pattern,
  imagesUrl: required(text),
  arches,
  mirrors: texts,
}

const factShapes: Shapes<keyof Facts> = {
  name: required(text),
  displayName: text,
  aliases: texts,
  homepage: text,
  imagePattern: required({
    wanted: `${pattern.wanted}, or a list of { versions, pattern }`,
    fits: (value) => isPattern(value) || isListOf(isRecord, value, 1),
  }),
  archNames: {
    wanted: "a record of the publisher's words by Linux's names, { x86_64: 'amd64' }",
    fits: (value) =>
      isRecord(value) && isListOf(isArch, Object.keys(value), 1) && Object.values(value).every(isText),
  },
  codenames: {
    wanted: "a record of lower-case codenames by their versions, { '13': 'trixie' }",
    fits: (value) => isRecord(value) && Object.values(value).every(isCodename),
  },
  variants: { wanted: 'a list of { name, arches }', fits: (value) => isListOf(isRecord, value) },
  checksumFiles: texts,
  knownDigests: textsByName,
  trust: oneOf('checksum', 'unverified'),
  format: oneOf('qcow2', 'raw'),
  user: text,
}

const sources: Shape = required({
  wanted: 'a list of one or more',
  fits: (value) => isListOf(isRecord, value, 1),
})
const patternShapes: Shapes<keyof ImagePattern> = { versions: text, pattern: required(pattern) }
const variantShapes: Shapes<keyof Variant> = { name: required(text), arches }

/** Yields in an order in which each part is read only after what it lies in has turned out right. */
export function* fieldProblems(definition: ProviderDefinition): Generator<Problem> {
  const place: Readonly<Record<string, Shape>> = 'sources' in definition ? { sources } : siteShapes
  yield* problemsIn(definition, { ...factShapes, ...place })
  for (const site of 'sources' in definition ? sitesOf(definition) : []) yield* problemsIn(site, siteShapes)
  for (const named of imagePatternsOf(definition)) yield* problemsIn(named, patternShapes)
  for (const variant of definition.variants ?? []) yield* problemsIn(variant, variantShapes)
}

function problemsIn(record: object, shapes: Readonly<Record<string, Shape>>): readonly Problem[] {
  const values: Readonly<Record<string, unknown>> = { ...record }
  const wanted = `nothing: there is no such field here, only ${Object.keys(shapes).join(', ')}`
  const unknown = Object.keys(values).filter((field) => !Object.hasOwn(shapes, field))
  const wrong = Object.entries(shapes).filter(([field, { fits, isRequired = false }]) =>
    values[field] === undefined ? isRequired : !fits(values[field]),
  )
  return [
    ...unknown.map((field) => ({ field, found: values[field], wanted })),
    ...wrong.map(([field, shape]) => ({ field, found: values[field], wanted: shape.wanted })),
  ]
}

function required(shape: Shape): Shape {
  return { ...shape, isRequired: true }
}

function oneOf(...choices: readonly string[]): Shape {
  return {
    wanted: choices.map((choice) => `"${choice}"`).join(' or '),
    fits: (value) => choices.some((choice) => choice === value),
  }
}

function isListOf(isItem: (value: unknown) => boolean, value: unknown, atLeast = 0): boolean {
  return Array.isArray(value) && value.length >= atLeast && value.every(isItem)
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRegExp(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isPattern(value: unknown): boolean {
  return isText(value) || isRegExp(value)
}

function isArch(value: unknown): boolean {
  return isText(value) && findArch(value) === value
}

function isCodename(value: unknown): boolean {
  return isText(value) && /^[a-z][a-z\d-]*$/.test(value)
}
