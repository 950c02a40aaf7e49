/**
 * Site: what one place of a publisher lists and has, read as far as one request needs it.
 */
import type { Arch } from '../arch.js'
import type { Context } from '../context.js'
import type { Provider } from '../providers/index.js'
import { fillTemplate, formatPattern, readName, type Words, wordsOf } from '../providers/pattern.js'
import type { NamedRequest } from '../request/request.js'
import { compareVersions, versionOrder } from '../version.js'
import { capped, findCandidates, fitsBuild, newest, patternsOf, vocabularyOf } from './candidates.js'
import type { Candidate, Wanted } from './candidates.js'
import type { Entry } from '../pages/listing.js'
import { listEntries, type PageCache, tryListEntries } from './listings.js'
import { noteStep, type Trail } from './trail.js'
import { defaultVariant } from './variant.js'

export type Site = Provider['sources'][number]

export interface Search {
  readonly request: NamedRequest
  readonly arch: Arch
  /** By the publisher's spelling; undefined when none was asked for. */
  readonly variant: string | undefined
  readonly context: Context
  readonly trail: Trail
  readonly pages: PageCache
}

/** The image, and what lies beside it. */
export interface Found extends Candidate {
  readonly site: Site
  readonly siblings: readonly Entry[]
  /** The listing or document that names it. */
  readonly listedAt: string
  /** For templates of this provider that name files. */
  readonly words: Words
}

/** How many directories without an image are passed over before one that has it. */
export const maxDirectories = 3

/**
 * The versions of a site, in its order.
 *
 * @throws VmImageError NETWORK or LISTING_UNREADABLE also when there is no such directory: without it nobody knows what
 *   the site has.
 */
export async function listVersions(site: Site, search: Search): Promise<readonly string[]> {
  const { provider } = search.request
  if (site.versions) return site.versions
  if (site.versionsUrl === undefined) return listWholeSite(site, search)
  const url = fill(site.versionsUrl, addressWords(search))
  const versions = (await listEntries(url, site, search)).flatMap(({ name, isDirectory }) => {
    const words = isDirectory ? readName(name, site.versionPattern, vocabularyOf(provider)) : undefined
    return words?.version ?? versionOf(words?.codename, provider) ?? []
  })
  const order = versionOrder(provider.versionOrder)
  const newestFirst = [...new Set(versions)].toSorted((a, b) => order(b, a))
  noteStep(search, { url, found: `lists versions ${capped(newestFirst) || '(none)'}` })
  return versions
}

/** One place with all versions: what they are, the names of the images say. */
async function listWholeSite(site: Site, search: Search): Promise<readonly string[]> {
  const { provider } = search.request
  const url = fill(site.imagesUrl, addressWords(search))
  const names = (await listEntries(url, site, search)).map(({ name }) => name)
  const versions = names.flatMap((name) =>
    patternsOf(provider, site).flatMap(
      ({ pattern }) => readName(name, pattern, vocabularyOf(provider))?.version ?? [],
    ),
  )
  if (versions.length === 0) noteStep(search, { url, found: nothingFits(names, provider, site) })
  return [...new Set(versions)]
}

/**
 * The image that a version has here; undefined when there is none that fits.
 *
 * @throws VmImageError NETWORK when a server fails, so that its failure is never taken for an absence; AMBIGUOUS_MATCH.
 */
export async function searchVersion(site: Site, version: string, search: Search): Promise<Found | undefined> {
  const words = versionWords(site, version, search)
  if (words === undefined) return undefined
  if (site.buildsUrl === undefined) return searchImages(site, words, search)
  const skipped: string[] = []
  for (const build of (await listBuilds(site, words, search)).slice(0, maxDirectories)) {
    const found = await searchImages(site, { ...words, build }, search)
    if (found) {
      warn(skipped, `build ${build} of ${version}`, search)
      return found
    }
    skipped.push(`build ${build}`)
  }
  return undefined
}

/** The words of the addresses of a version; undefined when its codename is needed and not known. */
export function versionWords(site: Site, version: string, search: Search): VersionWords | undefined {
  const { provider } = search.request
  const words = { ...addressWords(search, version), version, codename: provider.codenames[version] }
  if (words.codename === undefined && needsCodename(site)) return passOver(site, version, search)
  return words
}

type VersionWords = Words & { readonly version: string }

async function searchImages(site: Site, words: VersionWords, search: Search): Promise<Found | undefined> {
  const { provider } = search.request
  const url = fill(site.imagesUrl, words)
  const entries = await tryListEntries(url, site, search)
  if (entries === undefined) return undefined
  const candidates = findCandidates(entries, provider, wantedOf(site, words, search))
  const found = newest(candidates, {
    url,
    patterns: patternsOf(provider, site),
    versionOrder: provider.versionOrder,
  })
  if (found) {
    noteStep(search, { url, found: chosen(found, candidates) })
    const { version, build, variant, archWord } = found
    const arch = archWord ?? fileArchWord(search)
    return {
      ...found,
      site,
      siblings: entries,
      listedAt: url,
      words: { ...words, version, build, variant, arch },
    }
  }
  const files = entries.filter(({ isDirectory }) => !isDirectory).map(({ name }) => name)
  noteStep(search, { url, found: nothingFits(files, provider, site) })
  return undefined
}

/** What a file of this place has to be. */
export function wantedOf(site: Site, words: VersionWords, search: Search): Wanted {
  const { version, codename, build, variant } = words
  const { provider, version: query, build: asked } = search.request
  return {
    query,
    version,
    codename,
    arch: search.arch,
    variant: search.variant,
    build: asked,
    directoryBuild: build,
    directoryVariant: wordsOf(site.imagesUrl).includes('variant') ? variant : undefined,
    patterns: patternsOf(provider, site),
  }
}

/** Newest first; undefined when the server says that there is no such directory. */
export async function listBuilds(site: Site, words: Words, search: Search): Promise<readonly string[]> {
  const { provider, build: asked } = search.request
  const url = fill(site.buildsUrl ?? '', words)
  const entries = await tryListEntries(url, site, search)
  if (entries === undefined) return []
  const listed = entries
    .flatMap(({ name, isDirectory }) =>
      isDirectory ? (readName(name, site.buildPattern, vocabularyOf(provider))?.build ?? []) : [],
    )
    .toSorted((a, b) => compareVersions(b, a))
  noteStep(search, { url, found: `lists builds ${capped(listed) || '(none)'}` })
  return listed.filter((build) => fitsBuild(build, asked))
}

/** Tells of a newer version or build that has no image. */
export function warn(skipped: readonly string[], used: string, { request, arch, context }: Search): void {
  if (skipped.length === 0) return
  const image = [request.variant, 'image for', arch].filter(Boolean).join(' ')
  context.report({
    type: 'warning',
    message: `${request.provider.displayName}: no ${image} in ${skipped.join(', ')}; ${used} is the newest that has one.`,
  })
}

/** A template with its words, safe in an address. */
export function fill(template: string, words: Words): string {
  const encoded = Object.entries(words).map(([word, value]) => [word, value && encodeURIComponent(value)])
  return fillTemplate(template, Object.fromEntries(encoded))
}

/** Where an image lies for good, when the directory that lists it moves. */
export function lastingUrl({ site, entry, words }: Found, search: Search): string {
  if (site.imageUrl === undefined) return entry.url
  return fill(site.imageUrl, { ...words, arch: addressWords(search).arch, file: entry.name })
}

function addressWords(search: Search, version?: string): Words {
  const { provider } = search.request
  const arch = provider.archDirectories?.[search.arch] ?? fileArchWord(search)
  return { arch, variant: search.variant ?? defaultVariant(provider, search.arch, version) }
}

function fileArchWord({ request, arch }: Search): string {
  return request.provider.archNames?.[arch] ?? arch
}

function needsCodename({ imagesUrl, buildsUrl = '' }: Site): boolean {
  return [imagesUrl, buildsUrl].some((template) => wordsOf(template).includes('codename'))
}

function passOver(site: Site, version: string, search: Search): undefined {
  const { displayName, name } = search.request.provider
  const found = `the codename of ${version}, which its addresses need, is not known`
  const cure = `Add it to the codenames of the provider "${name}": { '${version}': '...' }.`
  noteStep(search, { url: site.imagesUrl, found: `${found}. ${cure}` })
  search.context.report({ type: 'warning', message: `${displayName}: ${found}. ${cure}` })
}

function chosen(found: Candidate, candidates: readonly Candidate[]): string {
  const others = candidates.map(({ entry }) => entry.name).filter((name) => name !== found.entry.name)
  const older = others.length === 0 ? 'the only one that fits' : `the newest; others: ${capped(others)}`
  return `has ${found.entry.name}, ${older}`
}

function nothingFits(files: readonly string[], provider: Provider, site: Site): string {
  const patterns = patternsOf(provider, site).map(({ pattern }) => `"${formatPattern(pattern)}"`)
  return `none of ${files.length} files fits ${patterns.join(' or ')}: ${capped(files) || 'it is empty'}`
}

function versionOf(codename: string | undefined, { codenames }: Provider): string | undefined {
  return Object.keys(codenames).find((version) => codenames[version] === codename)
}
