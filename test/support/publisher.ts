/**
 * A publisher with one system, `acme`, on the loopback: listings, checksum file, images; and options of vmimage that
 * ask it with a cache and overlays of their own. What the tests of the core run against.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type Context, makeContext } from '../../src/context.js'
import type { Options } from '../../src/options.js'
import { defineProvider } from '../../src/providers/provider.js'
import type { ReportEvent } from '../../src/report.js'
import { type Mirror, startMirror } from './mirror.js'
import { tempDir } from './temp-dir.js'

/** Ask with `{ provider: acme }`. */
export const acme = defineProvider({
  name: 'acme',
  versionsUrl: 'https://acme.example.org/',
  imagesUrl: 'https://acme.example.org/{version}/',
  imagePattern: 'acme-{version}.{arch}.qcow2',
})

export interface Publisher extends AsyncDisposable {
  readonly mirror: Mirror
  readonly directory: string
  /** Options for `makeContext()` and `openVmImage()`. */
  readonly options: Options
  /** Where the mirror has the image of a version. */
  path(version: string): string
  /** A new context; what it reports is added to `events`. */
  context(more?: Options): Context
  readonly events: readonly ReportEvent[]
}

/** Starts the publisher; `images` are the bytes by version, `digests` what its checksum files say instead of the truth. */
export async function startPublisher(
  images: Readonly<Record<string, Buffer>>,
  digests: Readonly<Record<string, string>> = {},
): Promise<Publisher> {
  const directory = await tempDir()
  const mirror = await startMirror(filesOf(images, digests))
  const events: ReportEvent[] = []
  const options: Options = {
    mirror: mirror.url,
    arch: 'x86_64',
    cacheDir: join(directory.path, 'cache'),
    overlayDir: join(directory.path, 'overlays'),
    report: (event) => events.push(event),
  }
  return {
    mirror,
    directory: directory.path,
    options,
    events,
    path: (version) => `/acme.example.org/${version}/${fileOf(version)}`,
    context: (more) => makeContext({ ...options, ...more }, {}),
    async [Symbol.asyncDispose]() {
      await mirror[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

function filesOf(images: Readonly<Record<string, Buffer>>, digests: Readonly<Record<string, string>>) {
  const site = '/acme.example.org'
  const files: Record<string, string | Buffer> = {
    [`${site}/index.html`]: listing(Object.keys(images).map((version) => `${version}/`)),
  }
  for (const [version, bytes] of Object.entries(images)) {
    const hex = digests[version] ?? createHash('sha256').update(bytes).digest('hex')
    files[`${site}/${version}/index.html`] = listing([fileOf(version), 'SHA256SUMS'])
    files[`${site}/${version}/SHA256SUMS`] = `${hex}  ${fileOf(version)}\n`
    files[`${site}/${version}/${fileOf(version)}`] = bytes
  }
  return files
}

function fileOf(version: string): string {
  return `acme-${version}.x86_64.qcow2`
}

function listing(names: readonly string[]): string {
  const links = names.map((name) => `<a href="${name}">${name}</a>  01-Nov-2026 10:00  -`)
  return `<html><body><h1>Index of /</h1><hr><pre><a href="../">../</a>\n${links.join('\n')}\n</pre><hr></body></html>`
}
