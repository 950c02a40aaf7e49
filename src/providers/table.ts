/** The table of providers, as the command line and the README show it. */
import type { Provider } from './provider.js'

export const providerColumns = [
  'name',
  'aliases',
  'versions',
  'architectures',
  'trust',
  'user',
  'firmware',
] as const

/** One cell for each of {@link providerColumns}. */
export function providerRow(provider: Provider): readonly string[] {
  const { name, aliases, coverage, archNames, user, firmware = [], sources } = provider
  const users = [user, ...sources.map((site) => site.user)].filter((one) => one !== undefined)
  return [
    name,
    aliases.join(', ') || '-',
    coverage ?? 'what it lists',
    Object.keys(archNames ?? {}).join(', ') || 'any',
    groundOf(provider),
    [...new Set(users)].join(', ') || '-',
    firmware.join(', ') || 'not known',
  ]
}

/** What the newest image of this provider is believed on, and what else there is to know of that. */
function groundOf({ trust, signatures, knownDigests, experimental }: Provider): string {
  // One with an upper end is of times gone by.
  const current = signatures.filter(({ versions = '' }) => !versions.includes('<'))
  const isSigned = current.some(({ mayLack }) => mayLack !== 'signature')
  const pinned = Object.keys(knownDigests).length
  const parts = [
    isSigned ? 'signed' : trust,
    !isSigned && current.length > 0 ? 'some signed' : undefined,
    pinned > 0 ? `${pinned} pinned` : undefined,
    experimental === undefined ? undefined : 'experimental',
  ]
  return parts.filter((part) => part !== undefined).join(', ')
}
