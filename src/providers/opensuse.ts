/**
 * openSUSE Leap, by the openSUSE project: the Minimal VM images with cloud-init, called JeOS before 15.4;
 * up to 15.4 they are those for OpenStack.
 *
 * Sources: https://download.opensuse.org/distribution/leap/ (names of 16.0 seen 2026-10, of 15.6 2026-08, of 15.1 to
 * 15.4 in 2022), the JSON of MirrorCache (its source, 2025-11). Leap 42.3 is older than 15.0. A name without a build is
 * replaced in place by the next one, and is only taken where no build is named. Up to 15.1 images lie in jeos/.
 * Signed: .sha256.asc beside the checksum, by the openSUSE project key (16.0 verified 2026-10; an OpenPGP V3 signature,
 * which needs gpgv). Before that the key of 2008 signed, and not everything.
 */
import { defineProvider } from './provider.js'

const leap = 'https://download.opensuse.org/distribution/leap/'
const mirrors = ['https://downloadcontent.opensuse.org/distribution/leap/']
const projectKey = 'AD485664E901B867051AB15F35A2F86E29B700A4'
const keyOf2008 = '22C07BA534178CD02EFE22AAB88B2FD43DBDC284'
const keyUrl = 'https://build.opensuse.org/projects/openSUSE:Factory/signing_keys/download?kind=gpg'
const keyrings = ['/usr/share/distribution-gpg-keys/opensuse/RPM-GPG-KEY-openSUSE-2022']

export const opensuse = defineProvider({
  name: 'opensuse',
  displayName: 'openSUSE Leap',
  aliases: ['leap', 'opensuse-leap'],
  homepage: 'https://get.opensuse.org/leap/',
  coverage: 'Leap 42.3 and later',
  sources: ['appliances', 'jeos'].map((directory) => ({
    versionsUrl: `${leap}?jsontable`,
    imagesUrl: `${leap}{version}/${directory}/?jsontable`,
    mirrors,
  })),
  imagePattern: [
    {
      versions: '>=15.5',
      pattern:
        /(?:openSUSE-)?Leap-(?<version>[\d.]+)-Minimal-VM\.(?<arch>\w+)(?:-[\d.]+|-s390x)?-Cloud(?:-Build(?<build>[\d.]+))?\.qcow2/,
    },
    {
      versions: '>=15.4 <15.5',
      pattern:
        /openSUSE-Leap-(?<version>[\d.]+)-Minimal-VM\.(?<arch>\w+)(?:-[\d.]+)?-OpenStack-Cloud(?:-Build(?<build>[\d.]+))?\.qcow2/,
    },
    {
      versions: '<15.4',
      pattern:
        /openSUSE-Leap-(?<version>[\d.]+)-JeOS\.(?<arch>\w+)(?:-[\d.]+)?-OpenStack-Cloud(?:-(?:Build|Snapshot)(?<build>[\d.]+))?\.qcow2/,
    },
    { versions: '<15', pattern: 'openSUSE-Leap-{version}-JeOS-for-OpenStack-Cloud.{arch}.qcow2' },
  ],
  archNames: { x86_64: 'x86_64', aarch64: 'aarch64', ppc64le: 'ppc64le', s390x: 's390x' },
  versionOrder: ['42.*', '43'],
  checksumFiles: ['{file}.sha256'],
  signatures: [
    {
      versions: '>=16',
      form: 'checksums',
      isVersion3: true,
      file: '{checksums}.asc',
      fingerprints: [projectKey],
      keyUrls: [keyUrl],
      keyrings,
    },
    {
      form: 'checksums',
      isVersion3: true,
      file: '{checksums}.asc',
      fingerprints: [projectKey, keyOf2008],
      keyUrls: [keyUrl, `https://keyserver.ubuntu.com/pks/lookup?op=get&search=0x${keyOf2008}`],
      keyrings,
      mayLack: 'signature',
    },
  ],
  user: 'opensuse',
  firmware: ['bios', 'uefi'],
})
