/** Values as requests for images: `found` holds only what vmimage understands. */
import { VmImageError } from '../errors.js'
import type { ImageInput } from '../request/request.js'
import { parseSpec } from '../request/spec.js'
import { type Alternatives, combine, literal, memberOf, unread, type Value } from './value.js'

/** The request that a value is; undefined: it is none, or not known in all that says which image is meant. */
export function inputOf(value: Value): ImageInput | undefined {
  const plain = plainOf(value)
  return plain !== undefined && isInput(plain) ? plain : undefined
}

/** Whether a second argument is the image, as in `useVmImage(t, 'fedora')` of node:test: options name none. */
export function isImage(values: Alternatives): boolean {
  return values.some(
    (value) =>
      (value.kind === 'literal' && typeof value.value === 'string') ||
      (value.kind === 'record' && ['name', 'url', 'path', 'provider'].some((way) => value.fields.has(way))),
  )
}

/** The image of `openVmImage('debian', { arch: 'aarch64' })`: options have a word in which image is meant. */
export function withArch(image: Alternatives, options: Alternatives): Alternatives {
  const arches = options.map((record) =>
    record.kind === 'record' ? memberOf(record, literal('arch')) : literal(undefined),
  )
  return combine([image, arches], ([wanted = unread, arch = unread]) => {
    if (wanted.kind === 'unread' || (arch.kind === 'literal' && arch.value === undefined)) return wanted
    const fields = wanted.kind === 'record' ? wanted.fields : new Map([['name', wanted]])
    return { kind: 'record', fields: new Map([['arch', arch], ...fields]) }
  })
}

/** The same for requests that are written the same, whatever the order of their fields. */
export function inputKey(input: ImageInput): string {
  if (typeof input === 'string') return JSON.stringify(input)
  const fields = Object.entries(input).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify(
    fields.map(([name, value]) => [name, value instanceof RegExp ? ['RegExp', String(value)] : value]),
  )
}

/** As it is written in code: `"fedora:41"`, or a record in one line. */
export function inputSource(input: ImageInput): string {
  if (typeof input === 'string') return JSON.stringify(input)
  const fields = Object.entries(input).map(
    ([name, value]) => `${name}: ${value instanceof RegExp ? String(value) : JSON.stringify(value)}`,
  )
  return `{ ${fields.join(', ')} }`
}

function plainOf(value: Value): unknown {
  if (value.kind === 'literal') return value.value
  if (value.kind !== 'record') return undefined
  const fields: [string, unknown][] = []
  for (const [name, field] of value.fields) {
    if (field.kind === 'literal') {
      if (field.value !== undefined) fields.push([name, field.value])
    } else if (name !== 'size') return undefined // the size is that of the test's disk: its base image is the same
  }
  return Object.fromEntries(fields)
}

function isInput(plain: unknown): plain is ImageInput {
  try {
    parseSpec(plain)
    return true
  } catch (error) {
    // What vmimage refuses, the test will be told when it asks; many a test does so on purpose.
    if (error instanceof VmImageError || error instanceof TypeError) return false
    throw error
  }
}
