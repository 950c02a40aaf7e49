/** ImageSpec: a request as a record, whatever form the caller wrote it in, with the types of its fields checked. */
import { isRegExp } from 'node:util/types'
import { isProvider, type Provider } from '../providers/index.js'
import type { Trust } from '../trust.js'
import { invalidRequest } from './invalid.js'

export interface ImageSpec {
  /** A system's name or alias, or any of the short forms, `'fedora:41'`. Default `'fedora'`. */
  readonly name?: string | undefined
  /** A provider of your own, instead of a name. */
  readonly provider?: Provider | undefined
  /** `'41'`, `41`, the beginning `'15'`, `'>=40 <43'`, a codename, `'latest'`, or a RegExp. Default `'latest'`. */
  readonly version?: string | number | RegExp | undefined
  /** The publisher's build (`'1.7'`, `'20260712-2537'`), exactly or as a RegExp. Default: the newest. */
  readonly build?: string | RegExp | undefined
  /** Any usual name of an architecture. Default: the context's, which is this machine's. */
  readonly arch?: string | undefined
  /** The kind of image, where the publisher has several: `'genericcloud'`. Default: the provider's. */
  readonly variant?: string | undefined
  /** `'<algorithm>:<hex>'` that the file must have as it is served. Default: the publisher's. */
  readonly checksum?: string | undefined
  /** The least trust that it must have: `'unverified'`, `'checksum'`, `'signed'` or `'pinned'`. Default: the context's. */
  readonly minimumTrust?: Trust | undefined
  /** Size of the disk: bytes, or `'20G'`. Default: the base image's. */
  readonly size?: string | number | undefined
  /** An image by its address, `http:` or `https:`. */
  readonly url?: string | undefined
  /** An image file of your own. */
  readonly path?: string | undefined
  /** Format of that URL or file, when it must be that. Default: told from its bytes. */
  readonly format?: 'qcow2' | 'raw' | undefined
}

/**
 * Turns every form of a request into a record. A short form in `name` counts as well: `{ name: 'fedora:41', size: '20G' }`.
 *
 * @throws VmImageError INVALID_REQUEST when it has no valid form, or a field that there is not.
 * @throws TypeError when it is neither a text nor a record, or a field has the wrong type.
 */
export function parseSpec(input: unknown): ImageSpec {
  if (typeof input === 'string') return shortForm(input)
  checkTypes(input)
  if (input.name === undefined) return input
  const short = shortForm(input.name)
  if (short.version === undefined || input.version === undefined)
    return { ...input, name: undefined, ...short }
  throw invalidRequest('version', input.version, `no second one, as the name is "${input.name}"`)
}

const fieldTypes = {
  name: ['string'],
  provider: ['result of defineProvider()'],
  version: ['string', 'number', 'RegExp'],
  build: ['string', 'RegExp'],
  arch: ['string'],
  variant: ['string'],
  checksum: ['string'],
  minimumTrust: ['string'],
  size: ['string', 'number'],
  url: ['string'],
  path: ['string'],
  format: ['string'],
} as const satisfies Record<keyof ImageSpec, readonly string[]>

/** The input comes from callers whom no compiler may have checked. */
function checkTypes(input: unknown): asserts input is ImageSpec {
  if (typeof input !== 'object' || input === null || Array.isArray(input) || isRegExp(input)) {
    throw new TypeError(
      `An image request is a text or a record, not ${Array.isArray(input) ? 'an array' : String(input)}.`,
    )
  }
  for (const [key, value] of Object.entries(input)) {
    if (!isField(key)) throw invalidRequest('field', key, `one of ${Object.keys(fieldTypes).join(', ')}`)
    const allowed: readonly string[] = fieldTypes[key]
    if (value === undefined || allowed.includes(typeOf(value))) continue
    throw new TypeError(
      `Field ${key} of an image request is of type ${typeOf(value)}, expected ${allowed.join(' or ')}.`,
    )
  }
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (isProvider(value)) return 'result of defineProvider()'
  return isRegExp(value) ? 'RegExp' : typeof value
}

/** `fedora:41`, a URL or a path, as the record that means the same. */
function shortForm(text: string): Pick<ImageSpec, 'name' | 'version' | 'url' | 'path'> {
  if (/^https?:\/\//i.test(text)) return { url: text }
  if (/^(?:\.{0,2}\/|~(?:\/|$)|file:\/)/i.test(text)) return { path: text }
  // What goes on with a slash is an address with a mistake in it, as in http:/host/disk.qcow2.
  const [, name, version] = /^([a-z0-9][\w.+-]*)(?::(?!\/)(.+))?$/i.exec(text.trim()) ?? []
  if (name === undefined) throw invalidRequest('image request', text, 'a name, a URL or a path')
  return version === undefined ? { name } : { name, version }
}

function isField(key: string): key is keyof ImageSpec {
  return Object.hasOwn(fieldTypes, key)
}
