/**
 * CirrOS, a very small system for testing clouds.
 *
 * Sources: https://download.cirros-cloud.net/ (index seen 2017, layout unchanged in 2024), the release script of
 * https://github.com/cirros-dev/cirros. Files are qcow2 whatever their suffix.
 * Not signed, and MD5SUMS is all there is beside the images; so SHA-256 digests that other projects have pinned are here
 * (seen 2026-11), and an image without one counts as unverified. 0.4.0 and both of 0.5.2 are in the WORKSPACE of
 * https://github.com/kubevirt/kubevirt at those times, 0.6.2 and 0.6.3 in many projects, always the same.
 */
import { defineProvider } from './provider.js'

export const cirros = defineProvider({
  name: 'cirros',
  displayName: 'CirrOS',
  homepage: 'https://github.com/cirros-dev/cirros',
  coverage: '0.3.0 and later',
  versionsUrl: 'https://download.cirros-cloud.net/',
  imagesUrl: 'https://download.cirros-cloud.net/{version}/',
  imagePattern: 'cirros-{version}-{arch}-disk.img',
  archNames: {
    x86_64: 'x86_64',
    i686: 'i386',
    aarch64: 'aarch64',
    armv7l: 'arm',
    ppc64le: 'ppc64le',
    ppc64: 'ppc64',
    powerpc: 'powerpc',
  },
  checksumFiles: ['MD5SUMS'],
  knownDigests: {
    'cirros-0.4.0-x86_64-disk.img': 'sha256:a8dd75ecffd4cdd96072d60c2237b448e0c8b2bc94d57f10fdbc8c481d9005b8',
    'cirros-0.5.2-aarch64-disk.img':
      'sha256:889c1117647b3b16cfc47957931c6573bf8e755fc9098fdcad13727b6c9f2629',
    'cirros-0.5.2-x86_64-disk.img': 'sha256:932fcae93574e242dc3d772d5235061747dfe537668443a1f0567d893614b464',
    'cirros-0.6.2-x86_64-disk.img': 'sha256:07e44a73e54c94d988028515403c1ed762055e01b83a767edf3c2b387f78ce00',
    'cirros-0.6.3-x86_64-disk.img': 'sha256:7d6355852aeb6dbcd191bcda7cd74f1536cfe5cbf8a10495a7283a8396e4b75b',
  },
  trust: 'unverified',
  user: 'cirros',
  firmware: ['bios', 'uefi'],
})
