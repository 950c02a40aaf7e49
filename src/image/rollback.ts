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
  const offered = { version: source.version, build: source.build, at: new Date(context.now()).toISOString() }
  const seen = known?.seen
  if (seen === undefined) return offered
  const order =
    versionOrder(provider.versionOrder)(offered.version, seen.version) ||
    compareVersions(offered.build ?? '', seen.build ?? '')
  if (order >= 0) return offered
  context.report({
    type: 'warning',
    message:
      `${source.url} is older (${buildText(offered)}) than what was offered on ${seen.at.slice(0, 10)} (${buildText(seen)}). ` +
      `The publisher has withdrawn ${titleOf({ name: source.name, version: seen.version })}, or a mirror is behind or was tampered with.`,
  })
  return seen
}

function buildText({ version, build }: SeenBuild): string {
  return build === undefined ? version : `${version} build ${build}`
}
