/**
 * Rollback: a publisher, or a mirror in its place, that offers an older build than it did before. It may have withdrawn
 * one; it may also want a system with known holes to be used. Both have to be seen.
 */
import type { Context } from '../context.js'
import { titleOf } from '../image-facts.js'
import type { NamedRequest } from '../request/request.js'
import type { Resolution, SeenBuild } from '../store/resolutions.js'
import { compareVersions, versionOrder } from '../version.js'
import type { Source } from './source.js'

/**
 * Holds what a name means now against the newest that it ever meant, and warns when that was newer.
 *
 * @returns the newer of both, to be remembered.
 */
export function compareWithSeen(
  { provider }: NamedRequest,
  source: Source,
  known: Pick<Resolution, 'seen'> | undefined,
  context: Pick<Context, 'now' | 'report'>,
): SeenBuild {
  const { version, build, signedAt } = source
  const offered = { version, build, signedAt, at: new Date(context.now()).toISOString() }
  const seen = known?.seen
  if (seen === undefined) return offered
  const order =
    versionOrder(provider.versionOrder)(offered.version, seen.version) ||
    compareVersions(offered.build ?? '', seen.build ?? '')
  if (order >= 0 && !isSignedEarlier(offered, seen)) return offered
  context.report({
    type: 'warning',
    message:
      `${source.url} is older (${buildText(offered)}) than what was offered on ${seen.at.slice(0, 10)} (${buildText(seen)}). ` +
      `The publisher has withdrawn ${titleOf({ name: source.name, version: seen.version })}, or a mirror is behind or was tampered with.`,
  })
  return seen
}

/** Where all builds of a version have one name, an old list in a new directory shows only in its signature. */
function isSignedEarlier(offered: SeenBuild, seen: SeenBuild): boolean {
  const [now, then] = [offered.signedAt, seen.signedAt]
  return offered.version === seen.version && now !== undefined && then !== undefined && now < then
}

function buildText({ version, build, signedAt }: SeenBuild): string {
  const signed = signedAt === undefined ? [] : [`signed on ${signedAt.slice(0, 10)}`]
  return [version, ...(build === undefined ? [] : [`build ${build}`]), ...signed].join(' ')
}
