/**
 * What the fields of a definition hold, one by one. A definition may come from JavaScript or JSON, where types promise
 * nothing, and a text in the place of a list would only fail much later, or fit by accident.
 */
import { isRegExp } from 'node:util/types'
import { findArch } from '../arch.js'
import {
  allPatternsOf,
  type DocumentPointers,
  type Facts,
  type ImagePattern,
  type ProviderDefinition,
  type Signature,
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
const yesOrNo: Shape = { wanted: 'true or false', fits: (value) => typeof value === 'boolean' }
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

const imagePattern: Shape = {
  wanted: `${pattern.wanted}, or a list of { versions, pattern }`,
  fits: (value) => isPattern(value) || isListOf(isRecord, value, 1),
}

const siteShapes: Shapes<keyof Site> = {
  versionsUrl: text,
  versions: { wanted: 'a list of one or more texts', fits: (value) => isListOf(isText, value, 1) },
  versionPattern: pattern,
  buildsUrl: text,
  buildPattern: pattern,
  imagesUrl: required(text),
  document: { wanted: 'a record of JSON Pointers, { image, digest }', fits: isRecord },
  imagePattern,
  isArchive: yesOrNo,
  imageUrl: text,
  user: text,
  arches,
  mirrors: texts,
}

const pointer: Shape = { wanted: 'a JSON Pointer like "/kvm/image"', fits: isPointer }
const archNames: Shape = {
  wanted: "a record of the publisher's words by Linux's names, { x86_64: 'amd64' }",
  fits: (value) =>
    isRecord(value) && isListOf(isArch, Object.keys(value), 1) && Object.values(value).every(isText),
}

const factShapes: Shapes<keyof Facts> = {
  name: required(text),
  displayName: text,
  aliases: texts,
  homepage: text,
  coverage: text,
  imagePattern: required(imagePattern),
  archNames,
  archDirectories: archNames,
  codenames: {
    wanted: "a record of lower-case codenames by their versions, { '13': 'trixie' }",
    fits: (value) => isRecord(value) && Object.values(value).every(isCodename),
  },
  versionNames: {
    wanted: "a record of versions by their other names in lower case, { stable: '13' }",
    fits: (value) =>
      isRecord(value) && Object.keys(value).every(isCodename) && Object.values(value).every(isText),
  },
  versionOrder: texts,
  variants: { wanted: 'a list of { name, arches }', fits: (value) => isListOf(isRecord, value) },
  checksumFiles: texts,
  knownDigests: textsByName,
  signatures: {
    wanted: 'a list of { form, fingerprints, keyUrls }',
    fits: (value) => isListOf(isRecord, value),
  },
  trust: oneOf('checksum', 'unverified'),
  format: oneOf('qcow2', 'raw'),
  user: text,
  firmware: {
    wanted: 'a list of "bios", "uefi"',
    fits: (value) => isListOf((item) => item === 'bios' || item === 'uefi', value, 1),
  },
  experimental: text,
}

const sources: Shape = required({
  wanted: 'a list of one or more',
  fits: (value) => isListOf(isRecord, value, 1),
})
const patternShapes: Shapes<keyof ImagePattern> = { versions: text, pattern: required(pattern) }
const variantShapes: Shapes<keyof Variant> = { name: required(text), arches, versions: text }
const documentShapes: Shapes<keyof DocumentPointers> = {
  image: required(pointer),
  base: pointer,
  digest: required(pointer),
}
const signatureShapes: Shapes<keyof Signature> = {
  versions: text,
  form: required(oneOf('clear-signed', 'checksums', 'image')),
  file: text,
  mayLack: oneOf('key', 'signature'),
  isVersion3: yesOrNo,
  fingerprints: required({
    wanted: 'a list of fingerprints of primary keys: 40 hex digits (or 64) in upper case, without blanks',
    fits: (value) => isListOf(isFingerprint, value, 1),
  }),
  keyUrls: required({ wanted: 'a list of https addresses', fits: (value) => isListOf(isHttps, value) }),
  keyrings: texts,
}

/** Yields in an order in which each part is read only after what it lies in has turned out right. */
export function* fieldProblems(definition: ProviderDefinition): Generator<Problem> {
  const place: Readonly<Record<string, Shape>> = 'sources' in definition ? { sources } : siteShapes
  yield* problemsIn(definition, { ...factShapes, ...place, imagePattern: factShapes.imagePattern })
  for (const site of sitesOf(definition)) {
    if ('sources' in definition) yield* problemsIn(site, siteShapes)
    if (site.document) yield* problemsIn(site.document, documentShapes)
  }
  for (const named of allPatternsOf(definition)) yield* problemsIn(named, patternShapes)
  for (const signature of definition.signatures ?? []) yield* problemsIn(signature, signatureShapes)
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

/** RFC 6901, absolute: it begins with a slash. */
function isPointer(value: unknown): boolean {
  return isText(value) && value.startsWith('/')
}

function isFingerprint(value: unknown): boolean {
  return isText(value) && /^(?:[\dA-F]{40}|[\dA-F]{64})$/.test(value)
}

function isHttps(value: unknown): boolean {
  return isText(value) && value.startsWith('https://') && URL.canParse(value)
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
