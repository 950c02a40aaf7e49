/**
 * Ubuntu Server cloud images, daily serials, by Canonical: the release under development, and fixes between releases.
 *
 * Sources: https://cloud-images.ubuntu.com/noble/ (index and SHA256SUMS of 20260705 seen 2026-07). Directories and files
 * carry the codename; the last six serials are kept, and `current/` is the newest under a name that moves. A serial that
 * is released has the same bytes there.
 * Signed: SHA256SUMS.gpg, as the releases.
 */
import { defineProvider } from './provider.js'
import { ubuntu } from './ubuntu.js'
import { ubuntuCodenames } from './ubuntu-codenames.js'

export const ubuntuDaily = defineProvider({
  name: 'ubuntu-daily',
  displayName: 'Ubuntu daily',
  homepage: 'https://cloud-images.ubuntu.com/',
  coverage: 'those in support, and the next',
  versionsUrl: 'https://cloud-images.ubuntu.com/',
  versionPattern: '{codename}',
  buildsUrl: 'https://cloud-images.ubuntu.com/{codename}/',
  imagesUrl: 'https://cloud-images.ubuntu.com/{codename}/{build}/',
  imagePattern: [
    { versions: '>=16.10', pattern: '{codename}-server-cloudimg-{arch}.img' },
    { versions: '<16.10', pattern: '{codename}-server-cloudimg-{arch}-disk1.img' },
    { versions: '<16.10', pattern: /(?<codename>[a-z]+)-server-cloudimg-(?<arch>arm64)-uefi1\.img/ },
  ],
  archNames: ubuntu.archNames,
  codenames: ubuntuCodenames,
  versionNames: ubuntu.versionNames,
  checksumFiles: ubuntu.checksumFiles,
  signatures: ubuntu.signatures,
  user: ubuntu.user,
  firmware: ubuntu.firmware,
})
