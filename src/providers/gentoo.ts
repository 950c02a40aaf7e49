/**
 * Gentoo's disk images with cloud-init, by its release engineering team.
 *
 * Sources: latest-di-amd64-cloudinit.txt under https://distfiles.gentoo.org/releases/amd64/autobuilds/ (seen 2026-10),
 * scripts/copy_buildsync.sh of https://gitweb.gentoo.org/proj/releng.git (2026-06). That text names the newest build, the
 * only one that is listed; it is also in a directory of its own, which stays for about six weeks. The version is the time
 * of the build.
 * Signed: the text and the `.sha256` beside each image are clear-signed with the weekly key of release engineering, whose
 * validity is extended each year: a copy of the key at a keyserver may look expired.
 */
import { defineProvider } from './provider.js'

const builds = 'https://distfiles.gentoo.org/releases/{arch}/autobuilds/'
const newest = `${builds}current-di-{arch}-cloudinit/`

export const gentoo = defineProvider({
  name: 'gentoo',
  homepage: 'https://www.gentoo.org/downloads/',
  coverage: 'the newest build',
  imagesUrl: `${newest}latest-di-{arch}-cloudinit.txt`,
  imageUrl: `${builds}{version}/{file}`,
  imagePattern: /di-(?<arch>amd64|arm64)-cloudinit-(?<version>\d{8}T\d{6}Z)\.qcow2/,
  archNames: { x86_64: 'amd64', aarch64: 'arm64' },
  checksumFiles: [`${newest}{file}.sha256`],
  signatures: [
    {
      form: 'clear-signed',
      fingerprints: ['13EBBDBEDE7A12775DFDB1BABB572E0E2D182910'],
      keyUrls: ['https://qa-reports.gentoo.org/output/service-keys.gpg'],
    },
  ],
  user: 'gentoo',
  firmware: ['uefi'],
})
