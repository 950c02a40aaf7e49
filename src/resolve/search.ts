/**
 * search: from a named request to the one file that it means, through the listings of all sites of its publisher.
 *
 * A publisher opens the directory of a version before its images are there, and keeps those of old versions after
 * their images have moved: the newest version that has an image is looked for, at most three versions deep.
 */
import { isExactly, selectVersions } from '../request/version-query.js'
import { directoriesFor } from './directories.js'
import {
  type Found,
  listVersions,
  maxDirectories,
  type Search,
  searchVersion,
  type Site,
  warn,
} from './site.js'
import { orNote } from './trail.js'

/** What a site lists; undefined when it gave no usable answer. */
interface VersionList {
  readonly site: Site
  readonly versions: readonly string[] | undefined
}

/**
 * Looks for the newest image of all sites, of archives only when the others have nothing that fits. An exact version is
 * taken from the first site that has it, and those after it are not asked; for any other request all of them say what
 * they have, and of two with the same version the first counts.
 *
 * @returns undefined when there is none, or when a site that may have a newer one gave no usable answer: the trail of
 *   the search tells which.
 */
export async function searchSites(sites: readonly Site[], search: Search): Promise<Found | undefined> {
  const lists: VersionList[] = []
  for (const isArchive of [false, true]) {
    const group = sites.filter((site) => site.isArchive === isArchive)
    const found = group.length === 0 ? undefined : await searchGroup(group, lists, search)
    if (found) return found
  }
  return undefined
}

/** Adds what the sites list to `lists`. */
async function searchGroup(
  sites: readonly Site[],
  lists: VersionList[],
  search: Search,
): Promise<Found | undefined> {
  const { trail, request } = search
  let isListed = false
  for (const site of sites) {
    const versions = await orNote(trail, listVersions(site, search))
    lists.push({ site, versions })
    const exact = versions?.find((one) => isExactly(request.version, one, request.provider))
    if (exact === undefined) continue
    const found = await orNote(trail, searchVersion(site, exact, search))
    if (found) return found
    isListed = true
  }
  return isListed ? undefined : orNote(trail, searchNewest(lists, search))
}

async function searchNewest(lists: readonly VersionList[], search: Search): Promise<Found | undefined> {
  const { request, trail, context } = search
  const { provider, version: query } = request
  const all = lists.flatMap(({ versions = [] }) => versions)
  const skipped: string[] = []
  for (const version of directoriesFor(query, all, provider).slice(0, maxDirectories)) {
    const found = await searchLists(lists, version, search)
    if (found === 'unknown') return undefined
    if (found === undefined) {
      skipped.push(version)
      continue
    }
    warn(selectVersions(query, skipped, provider), found.version, search)
    if (trail.failure) {
      const [reason = ''] = trail.failure.message.split('\n')
      context.report({
        type: 'warning',
        message: `${provider.displayName}: whether there is a newer version than ${found.version} is not certain. ${reason}`,
      })
    }
    return found
  }
  return undefined
}

/** Unknown: a site that would have been first to be asked for this version did not say what it has. */
async function searchLists(
  lists: readonly VersionList[],
  version: string,
  search: Search,
): Promise<Found | 'unknown' | undefined> {
  for (const { site, versions } of lists) {
    if (versions === undefined) return 'unknown'
    const found = versions.includes(version) ? await searchVersion(site, version, search) : undefined
    if (found) return found
  }
  return undefined
}
