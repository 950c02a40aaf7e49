/**
 * All providers: the table of those that come with the package, and the registry of those that users add.
 */
import { distance } from 'fastest-levenshtein'
import { VmImageError } from '../errors.js'
import { almalinux } from './almalinux.js'
import { almalinuxKitten } from './almalinux-kitten.js'
import { alpine } from './alpine.js'
import { amazonlinux } from './amazonlinux.js'
import { archlinux } from './archlinux.js'
import { centos, centosStream } from './centos.js'
import { cirros } from './cirros.js'
import { debian } from './debian.js'
import { debianDaily } from './debian-daily.js'
import { fedora } from './fedora.js'
import { fedoraCoreos } from './fedora-coreos.js'
import { fedoraRawhide } from './fedora-rawhide.js'
import { flatcar } from './flatcar.js'
import { freebsd } from './freebsd.js'
import { gentoo } from './gentoo.js'
import { jeos } from './jeos.js'
import { kali } from './kali.js'
import { openeuler } from './openeuler.js'
import { opensuse } from './opensuse.js'
import { opensuseTumbleweed } from './opensuse-tumbleweed.js'
import { oracle } from './oracle.js'
import { isProvider, type Provider } from './provider.js'
import { rocky } from './rocky.js'
import { ubuntu } from './ubuntu.js'
import { ubuntuDaily } from './ubuntu-daily.js'
import { ubuntuMinimal } from './ubuntu-minimal.js'

export type { ProviderDefinition } from './definition.js'
export { defineProvider, isProvider, type Provider } from './provider.js'

const ownProviders = {
  almalinux,
  'almalinux-kitten': almalinuxKitten,
  alpine,
  amazonlinux,
  archlinux,
  centos,
  'centos-stream': centosStream,
  cirros,
  debian,
  'debian-daily': debianDaily,
  fedora,
  'fedora-coreos': fedoraCoreos,
  'fedora-rawhide': fedoraRawhide,
  flatcar,
  freebsd,
  gentoo,
  jeos,
  kali,
  openeuler,
  opensuse,
  'opensuse-tumbleweed': opensuseTumbleweed,
  oracle,
  rocky,
  ubuntu,
  'ubuntu-daily': ubuntuDaily,
  'ubuntu-minimal': ubuntuMinimal,
} satisfies Record<string, Provider>

/**
 * The package's only mutable state between calls. It hangs on `globalThis` under a registered symbol because one
 * process may hold several copies of this module (inlined by a bundler, loaded as CommonJS and as ESM), and a
 * provider that was added through one of them must be found through all. The number is the layout's version.
 */
const registryKey = Symbol.for('vmimage.providers.1')

/** Whether it comes with the package, so that the command line knows it too. */
export function isOwnProvider(provider: Provider): boolean {
  return Object.values<Provider>(ownProviders).includes(provider)
}

/** Who publishes images, by name. Letter case does not matter. */
export const imageProviders = {
  /**
   * Makes a provider known by its name and aliases, in this process. It replaces one of the same name, also one that
   * comes with the package.
   *
   * @throws VmImageError INVALID_PROVIDER when another provider has one of its names.
   * @throws TypeError for what `defineProvider()` did not return.
   */
  add(provider: Provider): void {
    if (!isProvider(provider)) {
      throw new TypeError('Only a provider can be added. Make it with defineProvider().')
    }
    const others = imageProviders.list().filter(({ name }) => name !== provider.name)
    for (const name of namesOf(provider)) {
      const holder = others.find((other) => namesOf(other).includes(name))
      if (holder) throw nameTaken(provider, name, holder)
    }
    added().set(provider.name, provider)
  },

  /** All providers, by name. */
  list(): readonly Provider[] {
    const byName = new Map<string, Provider>(Object.entries(ownProviders))
    for (const [name, provider] of added()) byName.set(name, provider)
    return [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  },

  /**
   * The provider of that name or alias.
   *
   * @throws VmImageError UNKNOWN_SYSTEM when there is none; the message has the nearest name and all of them.
   */
  find(nameOrAlias: string): Provider {
    const asked = nameOrAlias.toLowerCase()
    const all = imageProviders.list()
    const found = all.find((provider) => namesOf(provider).includes(asked))
    if (found) return found
    throw unknownSystem(asked, all)
  },
}

function namesOf({ name, aliases }: Provider): readonly string[] {
  return [name, ...aliases]
}

function added(): Map<string, Provider> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the slot is ours by its name; no type can know
  const home = globalThis as { [registryKey]?: Map<string, Provider> }
  home[registryKey] ??= new Map()
  return home[registryKey]
}

function nameTaken(provider: Provider, name: string, holder: Provider): VmImageError {
  return new VmImageError(
    'INVALID_PROVIDER',
    `Cannot add provider "${provider.name}": "${name}" means ${holder.displayName} ("${holder.name}") already.\n` +
      `Give it a name of its own, or replace the other one with a provider that has the name "${holder.name}".`,
  )
}

function unknownSystem(asked: string, all: readonly Provider[]): VmImageError {
  const names = all.flatMap(namesOf)
  const nearest = names.toSorted((a, b) => distance(asked, a) - distance(asked, b))[0]
  const isNear = nearest !== undefined && distance(asked, nearest) <= Math.max(2, asked.length / 3)
  return new VmImageError(
    'UNKNOWN_SYSTEM',
    `Cannot find system "${asked}": no provider has this name.${isNear ? ` Did you mean "${nearest}"?` : ''}\n` +
      `Known: ${names.join(', ')}. Add your own: in vmimage.config.mjs or vmImages({ providers }), elsewhere with imageProviders.add(); a file is written with a slash, "./disk.qcow2".`,
  )
}
