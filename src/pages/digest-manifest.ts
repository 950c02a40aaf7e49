/**
 * Digest manifest: Debian's JSON beside its images, which gives each upload's digest in base64 without padding, in the
 * annotation `cloud.debian.org/digest`, and its path in `data.ref`. Seen in 2026-09 for bullseye to sid.
 */
import { type Digest, digestOf } from '../digest.js'
import { fieldsOf } from './json-fields.js'

/** The digests of the file with exactly this name; none when the text is no such manifest. */
export function manifestDigests(text: string, fileName: string): readonly Digest[] {
  if (!text.trimStart().startsWith('{')) return []
  const { items } = fieldsOf(parse(text))
  return (Array.isArray(items) ? items : []).flatMap((item: unknown) => {
    const { metadata, data } = fieldsOf(item)
    const { ref } = fieldsOf(data)
    if (typeof ref !== 'string' || ref.replace(/^.*\//s, '') !== fileName) return []
    const digest = fieldsOf(fieldsOf(metadata)['annotations'])['cloud.debian.org/digest']
    return typeof digest === 'string' ? (fromBase64(digest) ?? []) : []
  })
}

function fromBase64(text: string): Digest | undefined {
  const [, algorithm = '', base64 = ''] = /^(\w+):([a-z0-9+/]+)={0,2}$/i.exec(text) ?? []
  return digestOf(algorithm, Buffer.from(base64, 'base64').toString('hex'))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // cut short or no JSON at all: it names no file
  }
}
