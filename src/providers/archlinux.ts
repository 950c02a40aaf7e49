/**
 * Arch Linux's images for virtual machines, by the arch-boxes project.
 *
 * Sources: https://geo.mirror.pkgbuild.com/images/ (names seen 2026-10), https://gitlab.archlinux.org/archlinux/arch-boxes.
 * A build appears every two weeks and stays for about two months; it is the version here. `latest/` has the newest under
 * names that move. `cloudimg` has cloud-init, `basic` has not.
 * Signed: the `.SHA256` beside each image, and the image too, by a subkey of the arch-boxes key, which is in no keyring
 * of the distribution.
 */
import { defineProvider } from './provider.js'

export const archlinux = defineProvider({
  name: 'archlinux',
  displayName: 'Arch Linux',
  aliases: ['arch', 'arch-linux'],
  homepage: 'https://gitlab.archlinux.org/archlinux/arch-boxes',
  coverage: 'the builds of the last two months',
  versionsUrl: 'https://geo.mirror.pkgbuild.com/images/',
  versionPattern: 'v{version}',
  imagesUrl: 'https://geo.mirror.pkgbuild.com/images/v{version}/',
  imagePattern: 'Arch-Linux-{arch}-{variant}-{version}.qcow2',
  archNames: { x86_64: 'x86_64' },
  variants: [{ name: 'cloudimg' }, { name: 'basic' }],
  checksumFiles: ['{file}.SHA256'],
  signatures: [
    {
      form: 'checksums',
      file: '{checksums}.sig',
      fingerprints: ['1B9A16984A4E8CB448712D2AE0B78BF4326C6F8F'],
      keyUrls: [
        'https://keyserver.ubuntu.com/pks/lookup?op=get&search=0x1B9A16984A4E8CB448712D2AE0B78BF4326C6F8F',
      ],
    },
  ],
  user: 'arch',
  firmware: ['bios', 'uefi'],
})
