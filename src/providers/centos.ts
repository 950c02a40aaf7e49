/**
 * CentOS Linux 7 and 8 and CentOS Stream, by the CentOS Project.
 *
 * Sources: https://cloud.centos.org/centos/ (CHECKSUM of 9-stream and sha256sum.txt of 7 seen 2026-07-17, 10-stream
 * 2026-08), CHECKSUM of 8 as https://github.com/kubevirt/containerdisks has it. Stream has a second series of builds,
 * `CentOS-Stream-GenericCloud-<arch>-9-...`, which is kept for other times and not offered here. 7 has builds by year
 * and month, and two older ones by day that would count as the newest. 7, 8 and 8-stream are at their end, and stay.
 * Not signed: sha256sum.txt.asc of 7 has been seen to lag behind, the others have none. Stream does not boot with
 * UEFI on x86_64, and logs in as `cloud-user`; 7 and 8 log in as `centos`.
 */
import type { Site } from './definition.js'
import { defineProvider } from './provider.js'

const root = 'https://cloud.centos.org/centos/'

const linux: readonly Site[] = [
  {
    versions: ['7'],
    user: 'centos',
    imagesUrl: `${root}{version}/images/`,
    imagePattern:
      /CentOS-7-(?<arch>x86_64|aarch64|ppc64le)-GenericCloud-(?<build>\d{4}(?:[_-]\d{2})?)\.qcow2/,
    arches: ['x86_64', 'aarch64', 'ppc64le'],
  },
  {
    versions: ['8'],
    user: 'centos',
    imagesUrl: `${root}{version}/{arch}/images/`,
    imagePattern: 'CentOS-8-GenericCloud-{version}-{build}.{arch}.qcow2',
    arches: ['x86_64', 'aarch64', 'ppc64le'],
  },
]

const stream = {
  versionsUrl: root,
  versionPattern: '{version}-stream',
  imagesUrl: `${root}{version}-stream/{arch}/images/`,
} satisfies Site

const shared = {
  homepage: 'https://www.centos.org/',
  imagePattern: 'CentOS-Stream-GenericCloud-{version}-{build}.{arch}.qcow2',
  archNames: { x86_64: 'x86_64', aarch64: 'aarch64', ppc64le: 'ppc64le', s390x: 's390x' },
  checksumFiles: ['CHECKSUM', '{file}.SHA256SUM', 'sha256sum.txt'],
  user: 'cloud-user',
  firmware: ['bios'],
} as const

/** By its numbers alone: 8 is CentOS Linux 8, and from 9 on there is only Stream. */
export const centos = defineProvider({
  ...shared,
  name: 'centos',
  displayName: 'CentOS',
  coverage: '7, 8, Stream 9 and later',
  sources: [...linux, { ...stream, versionPattern: /(?<version>9|[1-9]\d+)-stream/ }],
  versionNames: { stream9: '9', stream10: '10' },
})

export const centosStream = defineProvider({
  ...shared,
  ...stream,
  name: 'centos-stream',
  displayName: 'CentOS Stream',
  aliases: ['centosstream'],
  coverage: '8 and later',
  versionNames: { stream8: '8', stream9: '9', stream10: '10' },
})
