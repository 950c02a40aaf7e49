/**
 * Site: what one place of a publisher lists and has, read as far as one request needs it.
 */
import type { Arch } from '../arch.js'
import type { Context } from '../context.js'
import { httpFaultOf } from '../http/fault.js'
import type { Provider } from '../providers/index.js'
import { fillTemplate, formatPattern, readName, type Words, wordsOf } from '../providers/pattern.js'
import type { NamedRequest } from '../request/request.js'
import { compareVersions } from '../version.js'
import { capped, findCandidates, fitsBuild, imagePatternOf, newest, vocabularyOf } from './candidates.js'
import type { Candidate } from './candidates.js'
import { type Entry, parseListing } from './listing.js'
import { isAbsent, type Trail } from './trail.js'

export type Site = Provider['sources'][number]

export interface Search {
  readonly request: NamedRequest
  readonly arch: Arch
  readonly variant: string | undefined
  readonly context: Context
  readonly trail: Trail
}

/** The image, and what lies beside it. */
export interface Found extends Candidate {
  readonly site: Site
  readonly siblings: readonly Entry[]
  /** For templates of this provider. */
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
  const url = fill(site.versionsUrl, { arch: archWord(search) })
  const versions = (await read(url, search)).flatMap(({ name, isDirectory }) => {
    const words = isDirectory ? readName(name, site.versionPattern, vocabularyOf(provider)) : undefined
    return words?.version ?? versionOf(words?.codename, provider) ?? []
  })
  search.trail.steps.push({ url, found: `lists versions ${capped(versions) || '(none)'}` })
  return versions
}

/**
 * The image that a version has here; undefined when there is none that fits.
 *
 * @throws VmImageError NETWORK when a server fails, so that its failure is never taken for an absence; AMBIGUOUS_MATCH.
 */
export async function searchVersion(site: Site, version: string, search: Search): Promise<Found | undefined> {
  const { provider } = search.request
  const words = { version, codename: provider.codenames[version], arch: archWord(search) }
  if (words.codename === undefined && needsCodename(site)) return passOver(site, version, search)
  if (site.buildsUrl === undefined) return searchImages(site, words, search)
  const skipped: string[] = []
  for (const build of (await listBuilds(site.buildsUrl, site, words, search)).slice(0, maxDirectories)) {
    const found = await searchImages(site, { ...words, build }, search)
    if (found) {
      warn(skipped, `build ${build} of ${version}`, search)
      return found
    }
    skipped.push(`build ${build}`)
  }
  return undefined
}

async function searchImages(
  site: Site,
  words: Words & { readonly version: string },
  search: Search,
): Promise<Found | undefined> {
  const { arch, variant, trail } = search
  const { provider, build } = search.request
  const { version, codename, build: directoryBuild } = words
  const url = fill(site.imagesUrl, words)
  const entries = await list(url, search)
  if (entries === undefined) return undefined
  const candidates = findCandidates(entries, provider, {
    query: search.request.version,
    version,
    codename,
    arch,
    variant,
    build,
    directoryBuild,
  })
  const pattern = imagePatternOf(provider, version)
  const found = newest(candidates, { url, pattern })
  if (found) {
    const { version: exactly, build: built, variant: kind } = found
    return {
      ...found,
      site,
      siblings: entries,
      words: { ...words, version: exactly, build: built, variant: kind },
    }
  }
  const files = entries.filter(({ isDirectory }) => !isDirectory).map(({ name }) => name)
  const wanted =
    pattern === undefined ? 'a name that is known for this version' : `"${formatPattern(pattern)}"`
  trail.steps.push({
    url,
    found: `none of ${files.length} files fits ${wanted}: ${capped(files) || 'it is empty'}`,
  })
  return undefined
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

/** Newest first. */
async function listBuilds(
  template: string,
  { buildPattern }: Site,
  words: Words,
  search: Search,
): Promise<readonly string[]> {
  const { provider, build: asked } = search.request
  const url = fill(template, words)
  const entries = await list(url, search)
  if (entries === undefined) return []
  const builds = entries.flatMap(({ name, isDirectory }) => {
    const build = isDirectory ? readName(name, buildPattern, vocabularyOf(provider))?.build : undefined
    return build !== undefined && fitsBuild(build, asked) ? [build] : []
  })
  search.trail.steps.push({ url, found: `lists builds ${capped(builds) || '(none that fits)'}` })
  return builds.toSorted((a, b) => compareVersions(b, a))
}

/** Undefined when the server says that there is no such directory. */
async function list(url: string, search: Search): Promise<readonly Entry[] | undefined> {
  try {
    return await read(url, search)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

async function read(url: string, { context, trail }: Search): Promise<readonly Entry[]> {
  try {
    return parseListing(await context.http.text(url, { signal: context.signal }))
  } catch (error) {
    const fault = httpFaultOf(error)
    if (fault) trail.steps.push({ url, found: fault.message })
    throw error
  }
}

function needsCodename({ imagesUrl, buildsUrl = '' }: Site): boolean {
  return [imagesUrl, buildsUrl].some((template) => wordsOf(template).includes('codename'))
}

function passOver(site: Site, version: string, { request, context, trail }: Search): undefined {
  const { displayName, name } = request.provider
  const found = `the codename of ${version}, which its addresses need, is not known`
  const cure = `Add it to the codenames of the provider "${name}": { '${version}': '...' }.`
  trail.steps.push({ url: site.imagesUrl, found: `${found}. ${cure}` })
  context.report({ type: 'warning', message: `${displayName}: ${found}. ${cure}` })
}

function fill(template: string, words: Words): string {
  const encoded = Object.entries(words).map(([word, value]) => [word, value && encodeURIComponent(value)])
  return fillTemplate(template, Object.fromEntries(encoded))
}

function archWord({ request, arch }: Search): string {
  return request.provider.archNames?.[arch] ?? arch
}

function versionOf(codename: string | undefined, { codenames }: Provider): string | undefined {
  return Object.keys(codenames).find((version) => codenames[version] === codename)
}
