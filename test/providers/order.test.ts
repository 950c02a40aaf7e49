/** What comes after what at each publisher: by the real providers, their orders and their names of directories and files. */
import { describe, expect, test } from 'vitest'
import { imageProviders } from '../../src/providers/index.js'
import { readName } from '../../src/providers/pattern.js'
import { parseVersionQuery, selectVersions } from '../../src/request/version-query.js'
import { patternsOf, vocabularyOf } from '../../src/resolve/candidates.js'
import { directoriesFor } from '../../src/resolve/directories.js'
import { compareVersions, versionOrder } from '../../src/version.js'

/** From old to new. */
const versions: Readonly<Record<string, readonly string[]>> = {
  ubuntu: ['9.10', '10.04', '16.04', '16.10', '24.04', '24.10', '26.04', '26.10'],
  fedora: ['7', '9', '10', '41', '44', '47', '100'],
  opensuse: ['42.1', '42.3', '15.0', '15.6', '16.0', '16.10'],
  freebsd: ['9.3', '10.0', '12.2', '14.3', '14.10', '15.0', '15.1'],
  cirros: ['0.3.5', '0.6.2', '0.6.3', '0.10', '0.10.1'],
  alpine: ['3.9', '3.10', '3.22', '3.24.1', '3.24.2', '3.24.10'],
  debian: ['9', '10', '11', '12', '13', '14'],
  'debian-daily': ['11', '12', '13', '14', 'sid'],
  centos: ['7', '8.4.2105', '9', '10'],
  archlinux: ['20260901.583572', '20261001.604814', '20261001.1604814'],
  amazonlinux: ['2.0.20260109.1', '2023.9.20250929.0', '2023.12.20260930.0'],
  rocky: ['8.9', '8.10', '9.8', '10.2'],
  almalinux: ['8.9', '8.10', '9.8', '10.2'],
  gentoo: ['20260927T164559Z', '20261004T074559Z', '20261004T164559Z'],
  flatcar: ['4593.2.4', '4593.2.10', '4593.10.0', '4628.1.0'],
  openeuler: ['22.03-LTS-SP4', '24.03-LTS', '24.03-LTS-SP1', '24.09', '24.03-LTS-SP4'],
  kali: ['2026.1', '2026.1a', '2026.2', '2026.10'],
}

/** From old to new, of one version. */
const builds: Readonly<Record<string, readonly string[]>> = {
  ubuntu: ['20170619', '20170619.1', '20260705', '20260712.1', '20260725'],
  fedora: ['1.1', '1.9', '1.10', '1.14', '2.1'],
  opensuse: ['15.1.4', '18.7', '18.72'],
  alpine: ['0', '2', '10'],
  debian: ['20260712-2537', '20260712-2538', '20260914-2601', '20261001-2618'],
  centos: ['1503', '2009', '2009_01', '2211'],
  'centos-stream': ['20260427.0', '20260630.2', '20260630.10'],
  almalinux: ['20260526', '20260526.0', '20260817.0'],
}

function pairsOf(histories: Readonly<Record<string, readonly string[]>>) {
  return Object.entries(histories).flatMap(([name, history]) =>
    history.flatMap((older, index) => history.slice(index + 1).map((newer) => ({ name, older, newer }))),
  )
}

describe('versions', () => {
  test.each(pairsOf(versions))(
    'of $name: $older before $newer, from both sides',
    ({ name, older, newer }) => {
      const compare = versionOrder(imageProviders.find(name).versionOrder)
      expect(compare(older, newer)).toBeLessThan(0)
      expect(compare(newer, older)).toBeGreaterThan(0)
    },
  )

  test.each(Object.entries(versions))(
    'of %s: the newest is the latest, however they are listed',
    (name, history) => {
      const latest = parseVersionQuery()
      for (const listed of [history, history.toReversed(), history.toSorted()]) {
        expect(selectVersions(latest, listed, imageProviders.find(name))).toEqual(history.toReversed())
      }
    },
  )
})

/** Where numbers and time disagree, a bound cuts through the time. */
test.each([
  ['opensuse', '<=42', []],
  ['opensuse', '<43', ['42.3', '42.1']],
  ['opensuse', '>=42', ['16.10', '16.0', '15.6', '15.0', '42.3', '42.1']],
  ['opensuse', '>=42 <43', ['42.3', '42.1']],
  ['opensuse', '>=15', ['16.10', '16.0', '15.6', '15.0']],
  ['opensuse', '<=15.0', ['15.0', '42.3', '42.1']],
  ['debian-daily', '>=9', ['sid', '14', '13', '12', '11']],
  ['debian-daily', '>=14', ['sid', '14']],
  ['debian-daily', '>=sid', ['sid']],
  ['debian-daily', '<sid', ['14', '13', '12', '11']],
  ['openeuler', '>=24', ['24.03-LTS-SP4', '24.09', '24.03-LTS-SP1', '24.03-LTS']],
  ['openeuler', '>=24.03', ['24.03-LTS-SP4', '24.09', '24.03-LTS-SP1', '24.03-LTS']],
  ['openeuler', '>=22 <24', ['22.03-LTS-SP4']],
  ['openeuler', '>24.09', ['24.03-LTS-SP4']],
])('%s:%s means %j', (name, range, expected) => {
  const provider = imageProviders.find(name)
  const query = parseVersionQuery(range, provider)
  expect(selectVersions(query, versions[name] ?? [], provider)).toEqual(expected)
  const directories = directoriesFor(query, versions[name] ?? [], provider)
  expect(directories.slice(0, 1)).toEqual(expected.slice(0, 1))
})

test.each(pairsOf(builds))('builds of $name: $older before $newer, from both sides', ({ older, newer }) => {
  expect(compareVersions(older, newer)).toBeLessThan(0)
  expect(compareVersions(newer, older)).toBeGreaterThan(0)
})

/** Directories beside those of versions, where a version is expected to be left out, and one that is not. */
test.each([
  ['fedora', '44', ['test', 'rawhide', '41_Beta', '44.bak']],
  ['ubuntu', '24.04', ['noble', 'streams', 'daily']],
  ['debian', 'trixie', ['trixie-backports', 'sid-2026', 'OpenStack']],
  ['freebsd', '15.1-RELEASE', ['15.1-RC1', '15.1-BETA2', '15.1-ALPHA1', '16.0-CURRENT', '14.3-STABLE']],
  ['archlinux', 'v20261001.604814', ['latest', '20261001.604814']],
  ['alpine', 'v3.24', ['latest-stable', 'edge', '3.24', 'v3.24-rc']],
  ['flatcar', '4593.2.4', ['current', '4593.2.4-test']],
  ['cirros', '0.6.3', ['daily', 'contrib', '0.6.3~rc1']],
  ['kali', 'kali-2026.1a', ['current', 'kali-weekly', 'kali-2026']],
  ['openeuler', 'openEuler-24.03-LTS-SP4', ['openEuler-preview', 'openEuler-24.03-LTS-Next', 'EBS']],
])('directories of %s: %s is that of a version, and %j are not', (name, directory, others) => {
  const provider = imageProviders.find(name)
  const read = (text: string) =>
    provider.sources.find(
      ({ versionsUrl, versionPattern }) =>
        versionsUrl !== undefined && readName(text, versionPattern, vocabularyOf(provider)) !== undefined,
    )
  expect(read(directory)).toBeDefined()
  expect(others.filter(read)).toEqual([])
})

test.each([
  ['ubuntu', 'release-20260725', ['release', 'unpacked', 'release-20260725.bak']],
  ['debian', '20260914-2601', ['latest', 'daily']],
  ['debian-daily', '20260914-2601', ['latest']],
])('directories of %s: %s is that of a build, and %j are not', (name, directory, others) => {
  const provider = imageProviders.find(name)
  const read = (text: string) =>
    provider.sources.some(({ buildPattern }) => readName(text, buildPattern, vocabularyOf(provider)))
  expect(read(directory)).toBe(true)
  expect(others.filter(read)).toEqual([])
})

/** Names that move, and those of another series with builds of its own. */
test.each([
  [
    'centos-stream',
    'CentOS-Stream-GenericCloud-9-20260630.2.x86_64.qcow2',
    [
      'CentOS-Stream-GenericCloud-x86_64-9-20260630.2.x86_64.qcow2',
      'CentOS-Stream-GenericCloud-9-latest.x86_64.qcow2',
    ],
  ],
  [
    'almalinux',
    'AlmaLinux-9-GenericCloud-9.8-20260526.x86_64.qcow2',
    ['AlmaLinux-9-GenericCloud-latest.x86_64.qcow2', 'AlmaLinux-9-OpenNebula-9.8-20260526.x86_64.qcow2'],
  ],
  [
    'archlinux',
    'Arch-Linux-x86_64-cloudimg-20261001.604814.qcow2',
    ['Arch-Linux-x86_64-cloudimg.qcow2', 'Arch-Linux-x86_64-cloudimg-20261001.604814.qcow2.sig'],
  ],
  [
    'alpine',
    'alpine-3.24.2-x86_64-cloudinit-r0.qcow2',
    ['alpine-3.24.2-x86_64-cloudinit-metal-r0.qcow2', 'generic_alpine-3.24.1-x86_64-bios-cloudinit-r0.qcow2'],
  ],
  [
    'freebsd',
    'FreeBSD-15.1-RELEASE-amd64-zfs.qcow2.xz',
    ['FreeBSD-15.1-RC1-amd64-zfs.qcow2.xz', 'FreeBSD-15.1-RELEASE-amd64-zfs.raw.xz'],
  ],
])('files of %s: %s is an image, and %j are not', (name, file, others) => {
  const provider = imageProviders.find(name)
  const read = (text: string) =>
    provider.sources.some((site) =>
      patternsOf(provider, site).some(({ pattern }) => readName(text, pattern, vocabularyOf(provider))),
    )
  expect(read(file)).toBe(true)
  expect(others.filter(read)).toEqual([])
})

test.each([
  ['debian', 'buster', '10'],
  ['debian', 'bookworm', '12'],
  ['debian', 'Trixie', '13'],
  ['debian', 'stable', '13'],
  ['debian', 'oldstable', '12'],
  ['debian-daily', 'testing', '14'],
  ['debian-daily', 'unstable', 'sid'],
  ['ubuntu', 'noble', '24.04'],
  ['ubuntu', 'resolute', '26.04'],
])('%s: %s is a name of %s and of no other version', (name, asked, version) => {
  const provider = imageProviders.find(name)
  const query = parseVersionQuery(asked, provider)
  expect(selectVersions(query, versions[name] ?? [], provider).concat()).toEqual(
    (versions[name] ?? []).filter((one) => one === version),
  )
})
