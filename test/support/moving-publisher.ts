/**
 * A publisher that goes on publishing: builds of `acme` appear at its main site, move to its archive, are changed or
 * withdrawn, while several machines, each with a cache of its own, ask for them.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { type Context, makeContext } from '../../src/context.js'
import type { Environment } from '../../src/environment.js'
import type { Options } from '../../src/options.js'
import { defineProvider, type ProviderDefinition } from '../../src/providers/index.js'
import type { ReportEvent } from '../../src/report.js'
import { type Mirror, startMirror } from './mirror.js'
import { tempDir } from './temp-dir.js'

/** Sites of the publisher. */
export const [main, second, archive] = [
  'acme.example.org',
  'mirror.example.org/acme',
  'archive.example.org/acme',
] as const

const acmeDefinition = {
  name: 'acme',
  sources: [
    {
      versionsUrl: `https://${main}/`,
      imagesUrl: `https://${main}/{version}/`,
      mirrors: [`https://${second}/`],
    },
    { versionsUrl: `https://${archive}/`, imagesUrl: `https://${archive}/{version}/`, isArchive: true },
  ],
  imagePattern: 'acme-{version}-{build}.{arch}.qcow2',
} as const satisfies ProviderDefinition

export const acme = defineProvider(acmeDefinition)

export interface MovingPublisher extends AsyncDisposable {
  readonly mirror: Mirror
  /** For the files of the test. */
  readonly directory: string
  /** Where the mirror has a build. */
  path(version: string, build: string, site?: string): string
  /** Puts a build there, with its line in the checksum file. Default: bytes that no other build has, at the main site. */
  publish(version: string, build: string, site?: string, bytes?: Buffer): void
  withdraw(version: string, build: string, site?: string): void
  /** A new context on a machine of this name; what it reports is added to `events`. */
  context(machine: string, options?: Options, env?: Environment): Context
  readonly events: readonly ReportEvent[]
  /** The paths asked since the last call. */
  asked(): readonly string[]
}

export async function startMovingPublisher(): Promise<MovingPublisher> {
  const directory = await tempDir()
  const site = join(directory.path, 'site')
  for (const name of [main, second, archive]) writeListing(join(site, name))
  const mirror = await startMirror(site)
  const events: ReportEvent[] = []
  let seen = 0
  return {
    mirror,
    directory: directory.path,
    path: pathOf,
    events,
    publish(version, build, name: string = main, bytes = bytesOf(version, build)) {
      const file = join(site, pathOf(version, build, name))
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, bytes)
      refresh(file)
    },
    withdraw(version, build, name: string = main) {
      const file = join(site, pathOf(version, build, name))
      rmSync(file)
      refresh(file)
    },
    context: (machine, options, env = {}) =>
      makeContext(
        {
          mirror: mirror.url,
          arch: 'x86_64',
          cacheDir: join(directory.path, machine, 'cache'),
          overlayDir: join(directory.path, machine, 'overlays'),
          report: (event) => events.push(event),
          ...options,
        },
        env,
      ),
    asked() {
      const paths = mirror.requests.slice(seen).map((request) => request.path)
      seen = mirror.requests.length
      return paths
    },
    async [Symbol.asyncDispose]() {
      await mirror[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

export function bytesOf(version: string, build: string): Buffer {
  return smallQcow2(`acme ${version} ${build}`)
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function pathOf(version: string, build: string, site: string = main): string {
  return `/${site}/${version}/acme-${version}-${build}.x86_64.qcow2`
}

/** After a change of the file: its checksums, and the listings of its version and its site. */
function refresh(file: string): void {
  writeChecksums(dirname(file))
  writeListing(dirname(file))
  writeListing(dirname(dirname(file)))
}

function writeChecksums(directory: string): void {
  const images = readdirSync(directory).filter((name) => name.endsWith('.qcow2'))
  const lines = images.map((name) => {
    const [, hex] = digestOf(readFileSync(join(directory, name))).split(':')
    return `${hex}  ${name}\n`
  })
  writeFileSync(join(directory, 'SHA256SUMS'), lines.join(''))
}

function writeListing(directory: string): void {
  mkdirSync(directory, { recursive: true })
  const entries = readdirSync(directory, { withFileTypes: true }).filter(({ name }) => name !== 'index.html')
  const links = entries.map((entry) => {
    const name = entry.isDirectory() ? `${entry.name}/` : entry.name
    return `<a href="${name}">${name}</a>  01-Nov-2026 10:00  -`
  })
  writeFileSync(
    join(directory, 'index.html'),
    `<html><body><h1>Index of /</h1><hr><pre><a href="../">../</a>\n${links.join('\n')}\n</pre><hr></body></html>`,
  )
}
