/**
 * Fedora Cloud, by the Fedora Project.
 *
 * Sources: https://dl.fedoraproject.org/pub/fedora/linux/releases/ (index seen 2026-09), CHECKSUM of 44 (2026-04),
 * https://fedoraproject.org/releases.json (2026-08). A release moves to the archive some weeks after its end; its
 * directory may stay behind without images. Cloud/ is the directory since 28, CloudImages/ before; 23 and older have
 * other names again and are not offered. RISC-V builds lie elsewhere and are not signed.
 * Signed: each CHECKSUM is clear-signed with the key of its release, for secondary architectures too.
 */
import type { Arch } from '../arch.js'
import type { Site } from './definition.js'
import { signedByRelease } from './fedora-keys.js'
import { defineProvider } from './provider.js'

const [dl, archives] = ['https://dl.fedoraproject.org/pub', 'https://archives.fedoraproject.org/pub/archive']
const primaryArches: readonly Arch[] = ['x86_64', 'aarch64']
const secondaryArches: readonly Arch[] = ['ppc64le', 's390x']

export const fedora = defineProvider({
  name: 'fedora',
  aliases: ['fedora-cloud'],
  homepage: 'https://fedoraproject.org/cloud/',
  coverage: '24 and later',
  sources: [
    // The redirector comes second: it may answer with a mirror that has only http.
    releases(`${dl}/fedora/linux`, 'https://download.fedoraproject.org/pub/fedora/linux', primaryArches),
    releases(`${archives}/fedora/linux`, `${dl}/archive/fedora/linux`, primaryArches),
    releases(
      `${dl}/fedora-secondary`,
      'https://download.fedoraproject.org/pub/fedora-secondary',
      secondaryArches,
    ),
    releases(`${archives}/fedora-secondary`, `${dl}/archive/fedora-secondary`, secondaryArches),
    releases(`${archives}/fedora/linux`, `${dl}/archive/fedora/linux`, ['x86_64'], 'CloudImages'),
  ],
  imagePattern: [
    { versions: '>=41', pattern: 'Fedora-Cloud-Base-{variant}-{version}-{build}.{arch}.qcow2' },
    { versions: '>=40 <41', pattern: 'Fedora-Cloud-Base-{variant}.{arch}-{version}-{build}.qcow2' },
    { versions: '<40', pattern: 'Fedora-Cloud-Base-{version}-{build}.{arch}.qcow2' },
  ],
  archNames: { x86_64: 'x86_64', aarch64: 'aarch64', ppc64le: 'ppc64le', s390x: 's390x' },
  variants: [{ name: 'Generic' }, { name: 'UEFI-UKI', arches: primaryArches }],
  checksumFiles: [
    'Fedora-Cloud-{version}-{build}-{arch}-CHECKSUM',
    'Fedora-CloudImages-{version}-{build}-{arch}-CHECKSUM',
  ],
  signatures: signedByRelease({ form: 'clear-signed' }),
  user: 'fedora',
  firmware: ['bios', 'uefi'],
})

function releases(root: string, mirror: string, arches: readonly Arch[], directory = 'Cloud'): Site {
  return {
    versionsUrl: `${root}/releases/`,
    imagesUrl: `${root}/releases/{version}/${directory}/{arch}/images/`,
    isArchive: root.startsWith(archives),
    arches,
    mirrors: [`${mirror}/releases/`],
  }
}
