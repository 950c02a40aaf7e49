/**
 * The text of the pin file: JSON that is the same bytes for the same pins, one stanza for each, in order of their keys.
 *
 * Every stanza ends with a comma, since the format's number comes last: whoever adds, moves or removes one touches no line
 * of another, and two branches merge where they touch different ones.
 */
import { findArch } from '../arch.js'
import { isPacking } from '../compression.js'
import { isWeak, parseDigest } from '../digest.js'
import { VmImageError } from '../errors.js'
import { isTrust } from '../trust.js'
import { inOrder, type Pin, type Pins } from './pins.js'

/** The format that this version reads and writes. */
const formatNumber = 1
const formatKey = 'lockfileVersion'

export function formatPins(pins: Pins): string {
  const keys = Object.keys(pins).toSorted((a, b) => (a < b ? -1 : 1))
  const stanzas = keys.flatMap((key) => {
    const pin = pins[key]
    return pin === undefined ? [] : [[key, inOrder(pin)] as const]
  })
  return `${JSON.stringify({ ...Object.fromEntries(stanzas), [formatKey]: formatNumber }, undefined, 2)}\n`
}

/**
 * @param file its path, for messages.
 * @throws VmImageError INVALID_PINS for what is no pin file, or one of a newer version of vmimage.
 */
export function parsePins(text: string, file: string): Pins {
  const record = parseJson(text, file)
  if (!isRecord(record)) throw invalid(file, 'it holds no record', restore)
  const { [formatKey]: format, ...stanzas } = record
  if (format === undefined) throw invalid(file, `it has no "${formatKey}"`, restore)
  if (typeof format === 'number' && format > formatNumber) {
    throw invalid(
      file,
      `its ${formatKey} is ${format}, and this vmimage knows ${formatNumber}`,
      'It was written by a newer version: update vmimage, npm install --save-dev vmimage@latest.',
    )
  }
  if (format !== formatNumber) throw invalid(file, `its ${formatKey} is ${JSON.stringify(format)}`, restore)
  const pins: Record<string, Pin> = {}
  for (const [key, stanza] of Object.entries(stanzas)) pins[key] = pinOf(key, stanza, file)
  return pins
}

const restore =
  'Take the last good one from your repository, or remove the file and pin anew: npx vmimage pin.'

function parseJson(text: string, file: string): unknown {
  const lines = text.split('\n')
  const marker = lines.findIndex((line) => /^(?:<{7}|={7}|>{7}|\|{7})(?: |\r?$)/.test(line))
  if (marker >= 0) {
    throw invalid(
      file,
      `line ${marker + 1} is a mark of a merge conflict, "${lines[marker]?.trim()}"`,
      'Keep the stanzas of both sides; where both have the same one keep either, then run: npx vmimage pin.',
    )
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw invalid(file, error instanceof Error ? error.message : String(error), restore, error)
  }
}

/** It may come from somebody's pull request: every field that is used is checked. */
function pinOf(key: string, stanza: unknown, file: string): Pin {
  if (!isRecord(stanza)) throw invalid(file, `"${key}" is no record`, restore)
  const bad = checks.find(([field, fits]) => !fits(stanza[field]))
  if (bad === undefined) return stanza as unknown as Pin // every field has just been checked
  const [field] = bad
  const found = JSON.stringify(stanza[field])
  throw invalid(file, `${field} of "${key}" is ${found ?? 'missing'}`, restore)
}

type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string'
const optional =
  (fits: Check): Check =>
  (value) =>
    value === undefined || fits(value)

const checks: readonly (readonly [keyof Pin, Check])[] = [
  ['request', (value) => isText(value) || (isRecord(value) && Object.values(value).every(isText))],
  ['name', isText],
  ['version', isText],
  ['build', optional(isText)],
  ['arch', optional((value) => typeof value === 'string' && findArch(value) === value)],
  ['variant', optional(isText)],
  ['fileName', isFileName],
  ['url', isAddress],
  ['otherUrls', optional((value) => Array.isArray(value) && value.every(isAddress))],
  ['digest', isStrongDigest],
  ['sizeBytes', optional((value) => Number.isSafeInteger(value) && Number(value) >= 0)],
  ['compression', optional(isPacking)],
  ['format', optional((value) => value === 'qcow2' || value === 'raw')],
  ['trust', isTrust],
  ['signedBy', optional(isText)],
  ['resolvedAt', (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value))],
]

/** It becomes a part of the overlay's name. */
function isFileName(value: unknown): boolean {
  return typeof value === 'string' && /^[^/\\\0]+$/.test(value) && value !== '.' && value !== '..'
}

function isAddress(value: unknown): boolean {
  return typeof value === 'string' && /^https?:\/\/[^/]/i.test(value) && URL.canParse(value)
}

function isStrongDigest(value: unknown): boolean {
  if (typeof value !== 'string') return false
  try {
    return !isWeak(parseDigest(value).algorithm)
  } catch (error) {
    if (error instanceof VmImageError) return false
    throw error
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(file: string, found: string, cure: string, cause?: unknown): VmImageError {
  return new VmImageError('INVALID_PINS', `Cannot use the pins in "${file}": ${found}.\n${cure}`, { cause })
}
