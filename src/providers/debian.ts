/**
 * Debian's official cloud images, by the Debian Cloud Team.
 *
 * Sources: https://cloud.debian.org/images/cloud/ (indexes seen 2025-05 and 2026-09), SHA512SUMS of trixie (2026-07);
 * OpenStack/current-9/ and current-10/ (names seen 2020-11 to 2022-07). Release builds are kept; the directory of a
 * codename without a release has only daily/ builds. It is passed over as long as it has no number here: debian-daily
 * has those. `nocloud` means without cloud-init (and root without a password), not the NoCloud datasource.
 * Unsigned: their page points to TLS and DNSSEC. Only OpenStack/ has SHA512SUMS.sign, by the Debian CD signing key.
 * It is looked for up to 9, which has no other images: in 10 the other kinds would be missing it.
 */
import { defineProvider } from './provider.js'

const [cloud, mirror] = ['https://cloud.debian.org/images/cloud/', 'https://cdimage.debian.org/images/cloud/']

export const debian = defineProvider({
  name: 'debian',
  aliases: ['debian-cloud'],
  homepage: cloud,
  coverage: '9 to 13',
  sources: [
    {
      versionsUrl: cloud,
      versionPattern: '{codename}',
      buildsUrl: `${cloud}{codename}/`,
      imagesUrl: `${cloud}{codename}/{build}/`,
      mirrors: [mirror],
    },
    {
      versions: ['10', '9'],
      imagesUrl: `${cloud}OpenStack/current-{version}/`,
      // Beside it lies the same file without a build, `debian-9-openstack-amd64.qcow2`.
      imagePattern: 'debian-{version}-{build}-{variant}-{arch}.qcow2',
      arches: ['x86_64', 'aarch64'],
      mirrors: [`${mirror}OpenStack/`],
    },
  ],
  imagePattern: 'debian-{version}-{variant}-{arch}-{build}.qcow2',
  archNames: { x86_64: 'amd64', aarch64: 'arm64', ppc64le: 'ppc64el', riscv64: 'riscv64' },
  codenames: { '9': 'stretch', '10': 'buster', '11': 'bullseye', '12': 'bookworm', '13': 'trixie' },
  versionNames: { stable: '13', oldstable: '12', oldoldstable: '11' },
  variants: [
    { name: 'genericcloud', arches: ['x86_64', 'aarch64'], versions: '>=10' },
    { name: 'generic', versions: '>=10' },
    { name: 'nocloud', versions: '>=10' },
    { name: 'openstack', arches: ['x86_64', 'aarch64'], versions: '<11' },
  ],
  checksumFiles: ['SHA512SUMS'],
  signatures: [
    {
      versions: '<10',
      form: 'checksums',
      file: '{checksums}.sign',
      fingerprints: ['DF9B9C49EAA9298432589D76DA87E80D6294BE9B'],
      keyUrls: [
        'https://keyserver.ubuntu.com/pks/lookup?op=get&search=0xDF9B9C49EAA9298432589D76DA87E80D6294BE9B',
      ],
      mayLack: 'signature',
    },
  ],
  user: 'debian',
  firmware: ['bios', 'uefi'],
})
