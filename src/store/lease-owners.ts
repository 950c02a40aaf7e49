/** Who uses an image of the cache, as the directories of the runs tell. */
import { namesIn } from './directory.js'
import { type CacheLayout, leaseDirectory } from './layout.js'
import { isLeasedIn } from './lease.js'
import { describeOwner, isProvablyDead, parseOwner } from './owner.js'

/** The runs that have leased the image `key` and may be alive, for people: `process 1234`. */
export function leaseOwners(layout: CacheLayout, key: string): readonly string[] {
  return namesIn(layout.runs)
    .filter((name) => isLeasedIn(leaseDirectory(layout, name), key))
    .flatMap((name) => parseOwner(name) ?? [])
    .filter((owner) => !isProvablyDead(owner))
    .map(describeOwner)
}
