/**
 * openSUSE Tumbleweed, the rolling release, by the openSUSE project: the Minimal VM images with cloud-init.
 *
 * Sources: https://download.opensuse.org/tumbleweed/appliances/ and ports/ (names seen 2026-08 and 2026-09), the JSON of
 * MirrorCache (its source, 2025-11). The version is the snapshot, as in VERSION_ID of /etc/os-release. Names without one
 * move to the next snapshot; those with one are taken away after some days.
 * Signed: .sha256.asc beside the checksum, by the openSUSE project key (an OpenPGP V3 signature, which needs gpgv).
 */
import type { Arch } from '../arch.js'
import type { Site } from './definition.js'
import { opensuse } from './opensuse.js'
import { defineProvider } from './provider.js'

export const opensuseTumbleweed = defineProvider({
  name: 'opensuse-tumbleweed',
  displayName: 'openSUSE Tumbleweed',
  aliases: ['tumbleweed'],
  homepage: 'https://get.opensuse.org/tumbleweed/',
  coverage: 'the newest snapshots',
  sources: [
    appliances('tumbleweed', 'x86_64'),
    appliances('ports/aarch64/tumbleweed', 'aarch64'),
    appliances('ports/zsystems/tumbleweed', 's390x'),
  ],
  imagePattern:
    /openSUSE-Tumbleweed-Minimal-VM\.(?<arch>\w+)(?:-s390x)?-[\d.]+(?:-s390x)?-Cloud-Snapshot(?<version>\d{8})\.qcow2/,
  archNames: { x86_64: 'x86_64', aarch64: 'aarch64', s390x: 's390x' },
  checksumFiles: ['{file}.sha256'],
  // The first is by the newest key alone, for 16 and more, which every snapshot is.
  signatures: opensuse.signatures.slice(0, 1),
  user: 'opensuse',
  firmware: ['bios', 'uefi'],
})

function appliances(tree: string, arch: Arch): Site {
  return {
    imagesUrl: `https://download.opensuse.org/${tree}/appliances/?jsontable`,
    arches: [arch],
    mirrors: [`https://downloadcontent.opensuse.org/${tree}/appliances/`],
  }
}
