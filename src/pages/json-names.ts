/**
 * JSON names: the files and directories that a JSON document lists. MirrorCache (openSUSE: `?jsontable`, `?json`), the
 * API of GitHub and others have lists of names or of records with a name; Flatcar has a record with one for each version.
 */
import { fieldsOf } from './json-fields.js'
import type { ListedName } from './listed-name.js'
import { unreadable } from './unreadable.js'

/**
 * Reads the JSON that is at `url`.
 *
 * @throws VmImageError LISTING_UNREADABLE when it is damaged, or has nothing like a list of names.
 */
export function readJsonNames(text: string, url: string): readonly ListedName[] {
  const names = findNames(parseJson(text, url))
  if (names === undefined) throw unreadable(url, 'JSON without a list of names')
  return names
}

function parseJson(text: string, url: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw unreadable(url, 'JSON that ends early or is damaged', error)
  }
}

/** An empty list in some field, or one of other things, says nothing of files: the answer may be an error. */
function findNames(json: unknown): readonly ListedName[] | undefined {
  if (Array.isArray(json) && json.every((item) => typeof item === 'string')) {
    return json.map((name) => ({ name }))
  }
  if (isRecords(json)) return json.map(nameOfRecord)
  const { data, ...others } = fieldsOf(json)
  if (isRecords(data)) return data.map(nameOfRecord)
  const list = Object.values(others)
    .filter(isRecords)
    .find(({ length }) => length > 0)
  return list?.map(nameOfRecord) ?? findVersions(json)
}

interface NamedRecord {
  readonly name: string
  readonly type?: unknown
  readonly size?: unknown
}

function isRecords(value: unknown): value is readonly NamedRecord[] {
  return Array.isArray(value) && value.every((item) => typeof fieldsOf(item)['name'] === 'string')
}

function nameOfRecord({ name, type, size }: NamedRecord): ListedName {
  const isDirectory = name.endsWith('/') || type === 'dir' || type === 'directory'
  return {
    name: isDirectory ? name.replace(/\/?$/, '/') : name,
    sizeBytes: typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : undefined,
  }
}

/** A record of records: `{"4593.2.4": {...}, "current": {...}}`. One without a number among its names is an error answer. */
function findVersions(json: unknown): readonly ListedName[] | undefined {
  const fields = Array.isArray(json) ? [] : Object.entries(fieldsOf(json))
  const areRecords = fields.every(
    ([, value]) => typeof value === 'object' && value !== null && !Array.isArray(value),
  )
  if (!areRecords || !fields.some(([name]) => /^\d/.test(name))) return undefined
  return fields.map(([name]) => ({ name: name.replace(/\/?$/, '/') }))
}
