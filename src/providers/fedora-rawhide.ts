/**
 * Fedora Rawhide, the daily state of what becomes Fedora, by the Fedora Project.
 *
 * Sources: https://dl.fedoraproject.org/pub/fedora/linux/development/ as https://github.com/teemtee/testcloud reads it
 * (2026-07); names of an image and its CHECKSUM of 2026-10-02. The directory is lower case, the files say Rawhide, and
 * only the newest compose is there. Releases that have branched off but are not out lie beside it and are not offered.
 * Whether a compose is signed is not known; where its CHECKSUM is, the signature is not looked at.
 */
import { defineProvider } from './provider.js'

const development = 'https://dl.fedoraproject.org/pub/fedora/linux/development/'

export const fedoraRawhide = defineProvider({
  name: 'fedora-rawhide',
  displayName: 'Fedora Rawhide',
  aliases: ['rawhide'],
  homepage: 'https://docs.fedoraproject.org/en-US/releases/rawhide/',
  coverage: 'the newest compose',
  versions: ['rawhide'],
  imagesUrl: `${development}{version}/Cloud/{arch}/images/`,
  mirrors: ['https://download.fedoraproject.org/pub/fedora/linux/development/'],
  imagePattern: /Fedora-Cloud-Base-Generic-Rawhide-(?<build>\d{8}\.n\.\d+)\.(?<arch>x86_64|aarch64)\.qcow2/,
  archNames: { x86_64: 'x86_64', aarch64: 'aarch64' },
  checksumFiles: ['Fedora-Cloud-images-Rawhide-{arch}-{build}-CHECKSUM'],
  user: 'fedora',
  firmware: ['bios', 'uefi'],
  experimental: 'It changes every day, and nobody has promised that a compose boots.',
})
