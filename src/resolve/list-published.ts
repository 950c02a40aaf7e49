/** listPublished: every version and build that a publisher has of what a request means, without opening more than it has to. */
import type { Context } from '../context.js'
import { describeRequest, type NamedRequest } from '../request/request.js'
import { compareVersions, versionOrder } from '../version.js'
import { findCandidates } from './candidates.js'
import { directoriesFor } from './directories.js'
import { tryListEntries } from './listings.js'
import { relatedTo, sitesFor, startSearch } from './resolve.js'
import { fill, listBuilds, listVersions, type Search, type Site, versionWords, wantedOf } from './site.js'
import { nothingFound, orNote } from './trail.js'

/** One image, or one build whose directory was not opened. */
export interface PublishedImage {
  readonly version: string
  readonly build: string | undefined
  readonly arch: string
  readonly variant: string | undefined
  /** The image, or the directory of its build. */
  readonly url: string
}

/**
 * Lists what fits, newest first. Of a version that several sites have, the first site counts, as in a search.
 *
 * @throws VmImageError UNKNOWN_ARCH, INVALID_REQUEST; NO_MATCH when nothing fits, NETWORK or LISTING_UNREADABLE when a
 *   site gave no usable answer and no other has anything.
 */
export async function listPublished(
  request: NamedRequest,
  context: Context,
): Promise<readonly PublishedImage[]> {
  const search = startSearch(request, context)
  const byVersion = new Map<string, readonly PublishedImage[]>()
  for (const site of sitesFor(search)) {
    const versions = (await orNote(search.trail, listVersions(site, search))) ?? []
    for (const version of directoriesFor(request.version, versions, request.provider)) {
      if (byVersion.has(version)) continue
      const images = (await orNote(search.trail, listVersion(site, version, search))) ?? []
      if (images.length > 0) byVersion.set(version, images)
    }
  }
  if (byVersion.size === 0)
    throw nothingFound(describeRequest({ ...request, arch: search.arch }), search.trail, relatedTo(request))
  if (search.trail.failure) {
    const [reason = ''] = search.trail.failure.message.split('\n')
    context.report({ type: 'warning', message: `The list is not complete. ${reason}` })
  }
  const compare = versionOrder(request.provider.versionOrder)
  return [...byVersion.values()]
    .flat()
    .toSorted((a, b) => compare(b.version, a.version) || compareVersions(b.build ?? '', a.build ?? ''))
}

async function listVersion(site: Site, version: string, search: Search): Promise<readonly PublishedImage[]> {
  const words = versionWords(site, version, search)
  if (words === undefined) return []
  const { arch, variant } = { arch: search.arch, variant: words.variant }
  if (site.buildsUrl !== undefined) {
    const builds = await listBuilds(site, words, search)
    return builds.map((build) => ({
      version,
      build,
      arch,
      variant,
      url: fill(site.imagesUrl, { ...words, build }),
    }))
  }
  const entries = await tryListEntries(fill(site.imagesUrl, words), site, search)
  const candidates = findCandidates(entries ?? [], search.request.provider, wantedOf(site, words, search))
  return candidates.map((found) => ({
    version: found.version,
    build: found.build,
    arch,
    variant: found.variant,
    url: found.entry.url,
  }))
}
