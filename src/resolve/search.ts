/**
 * search: from a named request to the one file that it means, through the listings of one source.
 *
 * A publisher opens the directory of a version before its images are there, and keeps those of old versions after
 * their images have moved: the newest version that has an image is looked for, at most three directories deep.
 */
import type { Arch } from '../arch.js'
import type { Context } from '../context.js'
import { httpFaultOf } from '../http/fault.js'
import type { Provider } from '../providers/index.js'
import { fillTemplate, formatPattern, readName, type Words } from '../providers/pattern.js'
import type { NamedRequest } from '../request/request.js'
import { isExactly, selectVersions } from '../request/version-query.js'
import { compareVersions } from '../version.js'
import { capped, findCandidates, fitsBuild, imagePatternOf, newest, vocabularyOf } from './candidates.js'
import type { Candidate } from './candidates.js'
import { type Entry, parseListing } from './listing.js'
import { isAbsent, type Trail } from './trail.js'

export type Source = Provider['sources'][number]

export interface Search {
  readonly request: NamedRequest
  readonly arch: Arch
  readonly variant: string | undefined
  readonly context: Context
  readonly trail: Trail
}

/** The image, and what lies beside it. */
export interface Found extends Candidate {
  readonly siblings: readonly Entry[]
  /** For templates of this provider. */
  readonly words: Words
}

const maxDirectories = 3

/**
 * Looks for the newest image of a source.
 *
 * @throws VmImageError NETWORK when a server fails, so that its failure is never taken for an absence.
 */
export async function searchSource(source: Source, search: Search): Promise<Found | undefined> {
  const { provider, version: query } = search.request
  const versions = await listVersions(source, search)
  for (const version of selectVersions(query, versions, provider.codenames).slice(0, maxDirectories)) {
    // An older version must not be taken because the server with the newer one is down.
    if (search.trail.failure && !isExactly(query, version, provider.codenames)) return undefined
    const found = await searchVersion(source, version, search)
    if (found) {
      const newer = search.trail.skippedVersions.filter((skipped) => compareVersions(skipped, version) > 0)
      warn(newer, version, search)
      return found
    }
    search.trail.skippedVersions.push(version)
  }
  return undefined
}

async function searchVersion(source: Source, version: string, search: Search): Promise<Found | undefined> {
  const { provider } = search.request
  const words = { version, codename: provider.codenames[version], arch: archWord(search) }
  if (source.buildsUrl === undefined) return searchImages(source, words, search)
  const skipped: string[] = []
  for (const build of (await listBuilds(source.buildsUrl, source, words, search)).slice(0, maxDirectories)) {
    const found = await searchImages(source, { ...words, build }, search)
    if (found) {
      warn(skipped, `build ${build} of ${version}`, search)
      return found
    }
    skipped.push(`build ${build}`)
  }
  return undefined
}

async function searchImages(
  source: Source,
  words: Words & { readonly version: string },
  search: Search,
): Promise<Found | undefined> {
  const { arch, variant, trail } = search
  const { provider, build } = search.request
  const { version, codename, build: directoryBuild } = words
  const url = fill(source.imagesUrl, words)
  const entries = await list(url, search)
  if (entries === undefined) return undefined
  const candidates = findCandidates(entries, provider, {
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
    return { ...found, siblings: entries, words: { ...words, version: exactly, build: built, variant: kind } }
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

async function listVersions(source: Source, search: Search): Promise<readonly string[]> {
  const { provider } = search.request
  const url = fill(source.versionsUrl, { arch: archWord(search) })
  // Read, not listed: without this directory it is not known what the source has.
  const versions = (await read(url, search)).flatMap(({ name, isDirectory }) => {
    const words = isDirectory ? readName(name, source.versionPattern, vocabularyOf(provider)) : undefined
    return words?.version ?? versionOf(words?.codename, provider) ?? []
  })
  search.trail.steps.push({ url, found: `lists versions ${capped(versions) || '(none)'}` })
  return versions
}

/** Newest first. */
async function listBuilds(
  template: string,
  { buildPattern }: Source,
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

function warn(skipped: readonly string[], used: string, { request, arch, context }: Search): void {
  if (skipped.length === 0) return
  const image = [request.variant, 'image for', arch].filter(Boolean).join(' ')
  context.report({
    type: 'warning',
    message: `${request.provider.displayName}: no ${image} in ${skipped.join(', ')}; ${used} is the newest that has one.`,
  })
}
