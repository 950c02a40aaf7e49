/** What the doctor decides from facts: each with the words that a user looks for, and its cure. */
import { describe, expect, test } from 'vitest'
import { makeContext } from '../../src/context.js'
import { judgeClock } from '../../src/doctor/clock.js'
import { type DirectoryFacts, judgeDirectory, judgeLayer } from '../../src/doctor/directories.js'
import { judgeKvm, type KvmFacts } from '../../src/doctor/kvm.js'
import { judgeLeftovers, type LeftoverFacts } from '../../src/doctor/leftovers.js'
import { judgeNetwork } from '../../src/doctor/network.js'
import { judgeProgram, programsFor } from '../../src/doctor/programs.js'
import { ageText, judgeResolutions } from '../../src/doctor/resolutions.js'
import { judgeSettings } from '../../src/doctor/settings.js'
import { arches } from '../../src/arch.js'

const program = { name: 'zstd', use: '.zst images need it', aptPackage: 'zstd', version: undefined }

describe('programs', () => {
  test.each([
    [{ ...program, version: 'v1.5.4' }, 'ok', 'zstd: v1.5.4', undefined],
    [program, 'note', 'zstd is not installed: .zst images need it', 'sudo apt install zstd'],
    [
      { ...program, failure: 'exit code 127' },
      'problem',
      'zstd does not run: exit code 127',
      'sudo apt install --reinstall zstd',
    ],
  ])('%j is %s', (found, level, text, cure) => {
    expect(judgeProgram(found)).toEqual({ level, text, ...(cure === undefined ? {} : { cure }) })
  })

  test('every architecture has an emulator', () => {
    const emulators = arches.map((arch) => programsFor(arch)[0]?.name)
    expect(emulators.filter((name) => name?.startsWith('qemu-system-'))).toHaveLength(arches.length)
    expect(programsFor('ppc64le')[0]).toMatchObject({
      name: 'qemu-system-ppc64',
      aptPackage: 'qemu-system-ppc',
    })
  })
})

const kvm: KvmFacts = {
  platform: 'linux',
  host: 'x86_64',
  guest: 'x86_64',
  device: 'ENOENT',
  group: 'kvm',
  flags: ['fpu', 'vmx'],
  isContainer: false,
}

describe('KVM', () => {
  test.each<[string, Partial<KvmFacts>, string, string | undefined]>([
    ['that can be opened', { device: 'open' }, 'can be used', undefined],
    ['that may not be opened', { device: 'EACCES' }, 'its group is kvm', 'usermod -aG kvm'],
    ['that a container may not open', { device: 'EPERM', isContainer: true }, 'may not', '--group-add'],
    ['that is not passed into a container', { isContainer: true }, 'in this container', '--device /dev/kvm'],
    ['whose module is not loaded', {}, 'not loaded', 'modprobe kvm_intel'],
    ['whose module is not loaded (AMD)', { flags: ['svm'] }, 'not loaded', 'modprobe kvm_amd'],
    ['that the firmware has off', { flags: ['fpu'] }, 'neither vmx nor svm', 'in the firmware'],
    ['that the host keeps back', { flags: ['hypervisor'] }, 'nested virtualisation is off', 'nested=1'],
    ['of an ARM machine', { host: 'aarch64', guest: 'aarch64', flags: [] }, 'not loaded', 'modprobe kvm'],
    ['for another architecture', { guest: 'aarch64', device: 'open' }, 'images are for aarch64', undefined],
    ['of a Mac', { platform: 'darwin' }, '-accel hvf', undefined],
    ['that fails oddly', { device: 'EBUSY' }, 'EBUSY', 'dmesg'],
  ])('%s', (_, facts, text, cure) => {
    const finding = judgeKvm({ ...kvm, ...facts })
    expect(finding.text).toContain(text)
    expect(finding.cure ?? '').toContain(cure ?? '')
    expect(finding.level).toBe(facts.device === 'open' && facts.guest === undefined ? 'ok' : 'note')
  })

  test('i686 guests run by the KVM of x86_64', () => {
    expect(judgeKvm({ ...kvm, guest: 'i686', device: 'open' }).level).toBe('ok')
  })
})

const directory: DirectoryFacts = {
  use: 'base images',
  variable: 'VMIMAGE_CACHE_DIR',
  path: '/c',
  exists: true,
  refusal: undefined,
  directory: '/c',
  kind: 'ext4',
  device: 1,
  freeBytes: 100 * 2 ** 30,
  writeError: undefined,
  linkError: undefined,
}

describe('directories', () => {
  test('one that is as it should be is one line', () => {
    expect(judgeDirectory(directory)).toEqual([
      { level: 'ok', text: 'base images: /c: writable, ext4, 100 GiB free', cure: undefined },
    ])
  })

  test.each<[string, Partial<DirectoryFacts>, string, string, string]>([
    ['little room', { freeBytes: 2 * 2 ** 30 }, 'note', '2 GiB free', 'larger disk'],
    ['no room', { freeBytes: 2 ** 20 }, 'problem', '1 MiB free', 'export VMIMAGE_CACHE_DIR='],
    ['a tmpfs', { kind: 'tmpfs' }, 'note', 'in memory (tmpfs)', 'on a disk'],
    ['no hard links', { linkError: 'EPERM' }, 'note', 'no hard links there (EPERM)', 'ext4'],
    ['NFS', { kind: 'nfs' }, 'note', 'right all the same', 'VMIMAGE_EXTRA_CACHE_DIRS'],
    ['a read-only cache', { writeError: 'EROFS' }, 'note', 'what is in it serves', 'chown'],
    [
      'no cache, and no right to make one',
      { writeError: 'EACCES', exists: false },
      'problem',
      'EACCES',
      'chown',
    ],
    [
      'overlays that cannot be written',
      { writeError: 'EROFS', use: 'overlays', variable: 'VMIMAGE_OVERLAY_DIR' },
      'problem',
      'cannot be written',
      'VMIMAGE_OVERLAY_DIR',
    ],
    [
      'a directory for everybody',
      { refusal: 'Cannot use directory "/c": everybody.\nRun: chmod o-w "/c"' },
      'problem',
      'everybody',
      'Run: chmod o-w "/c"',
    ],
  ])('%s', (_, facts, level, text, cure) => {
    const finding = judgeDirectory({ ...directory, ...facts }).find((found) => found.level === level)
    expect(finding?.text).toContain(text)
    expect(finding?.cure).toContain(cure)
  })

  test('overlays need no hard links, and may be on NFS', () => {
    const overlays = { ...directory, use: 'overlays', linkError: 'EPERM', kind: 'nfs' } as const
    expect(judgeDirectory(overlays)).toHaveLength(1)
  })

  test('layers', () => {
    expect(judgeLayer({ path: '/l', images: 3, refusal: undefined }).text).toBe('layer: /l: 3 images')
    const refused = judgeLayer({ path: '/l', images: 0, refusal: 'Cannot use "/l": ENOENT.\nMount it.' })
    expect(refused).toMatchObject({ level: 'problem', cure: 'Mount it.' })
  })
})

const judgeEnv = (env: Readonly<Record<string, string>>, mirror?: string, offline = false) =>
  judgeNetwork({ env, mirror, offline })

describe('network', () => {
  test('without anything set there is no proxy', () => {
    expect(judgeEnv({}).map(({ text }) => text)).toEqual(['https: no proxy', 'http: no proxy'])
  })

  test('the variable in lower case counts, and passwords are not shown', () => {
    const findings = judgeEnv({
      https_proxy: 'http://me:secret@a:1',
      HTTPS_PROXY: 'http://b:2',
      no_proxy: 'localhost',
    })
    expect(findings).toContainEqual({
      level: 'note',
      text: 'https: by the proxy http://***@a:1, as https_proxy says; HTTPS_PROXY says something else and does not count',
      cure: 'unset HTTPS_PROXY',
    })
    expect(findings).toContainEqual({ level: 'ok', text: 'no proxy for localhost, as no_proxy says' })
  })

  test.each([
    ['socks5://a:1', 'problem', 'is no URL of an http proxy'],
    ['a', 'problem', 'is no URL of an http proxy'],
    ['', 'ok', 'no proxy, as HTTP_PROXY is empty'],
    ['http://a:1', 'ok', 'by the proxy http://a:1'],
  ])('HTTP_PROXY=%s', (value, level, text) => {
    const finding = judgeEnv({ HTTP_PROXY: value }).find((found) => found.text.startsWith('http:'))
    expect(finding).toMatchObject({ level, text: expect.stringContaining(text) })
  })

  test('ALL_PROXY counts where a protocol has no variable of its own', () => {
    const env = { ALL_PROXY: 'http://a:1', https_proxy: 'http://b:2' }
    expect(judgeEnv(env).map(({ text }) => text)).toEqual([
      'https: by the proxy http://b:2, as https_proxy says',
      'http: by the proxy http://a:1, as ALL_PROXY says',
    ])
  })

  test('what switches the network off, leads elsewhere, or is not read', () => {
    const texts = judgeEnv({ ALL_PROXY: 'socks5://a', NO_PROXY: '*' }, 'http://u:p@m/x', true).map(
      ({ text }) => text,
    )
    expect(texts).toEqual([
      expect.stringContaining('switched off'),
      'a mirror is asked in place of every https site: http://***@m/x',
      'https: no proxy',
      'http: no proxy',
      'no proxy for any host, as NO_PROXY is "*"',
      'ALL_PROXY is a SOCKS proxy, which is not spoken here',
    ])
  })
})

describe('clock', () => {
  const now = Date.UTC(2027, 0, 1)
  test.each([
    ['after all that is known', { now, newestEntry: now - 1000 }, 'ok', '2027-01-01'],
    ['a minute behind who shares the cache', { now, newestEntry: now + 60_000 }, 'ok', '2027-01-01'],
    [
      'before the newest entry',
      { now, newestEntry: now + 86_400_000 },
      'problem',
      'the cache has an entry of 2027-01-02',
    ],
    [
      'before this was written',
      { now: 0, newestEntry: undefined },
      'problem',
      'this version of vmimage was written',
    ],
  ])('%s', (_, facts, level, text) => {
    expect(judgeClock(facts)).toMatchObject({ level, text: expect.stringContaining(text) })
  })
})

const judgeOptions = (options: object, env: Readonly<Record<string, string>>, file: object) => {
  const place = {
    options: { ...file, ...options },
    env,
    fileOptions: file,
    configFile: '/p/vmimage.config.json',
  }
  const context = makeContext(options, env, file)
  return judgeSettings({ ...place, context, pinFile: undefined }).map(({ text }) => text)
}

describe('settings', () => {
  test.each([
    ['option', { mirror: 'http://o' }, { VMIMAGE_MIRROR: 'http://e' }, {}, 'mirror = http://o  (option)'],
    ['variable', {}, { VMIMAGE_MIRROR: 'http://e' }, {}, 'mirror = http://e  (VMIMAGE_MIRROR)'],
    ['file', {}, {}, { mirror: 'http://f' }, 'mirror = http://f  (/p/vmimage.config.json)'],
    [
      'option over the file',
      { mirror: 'http://o' },
      {},
      { mirror: 'http://f' },
      'mirror = http://o  (option)',
    ],
    ['default', {}, {}, {}, 'mirror = none  (default)'],
    ['units', {}, { VMIMAGE_MAX_CACHE_SIZE: '30G' }, {}, 'maxCacheSize = 30 GiB  (VMIMAGE_MAX_CACHE_SIZE)'],
    ['an option without a variable', { arch: 'arm64' }, {}, {}, 'arch = aarch64  (option)'],
  ])('says of an %s where it comes from', (_, options, env, file, text) => {
    expect(judgeOptions(options, env, file)).toContain(text)
  })
})

describe('names', () => {
  const hour = 3_600_000
  const known = { request: 'fedora x86_64 provider=0123456789ab', resolvedAt: 0, isCached: true }

  test.each([
    [known, 'fedora x86_64: resolved 2 h ago'],
    [
      { ...known, resolvedAt: -70 * hour },
      'fedora x86_64: resolved 3 days ago, asked again when it is next used',
    ],
    [{ ...known, isCached: false }, 'fedora x86_64: resolved 2 h ago, its image is not here any more'],
    [
      { ...known, request: 'imported fedora:44 x86_64', isImported: true, resolvedAt: -100 * hour },
      'fedora:44 x86_64: a file of yours, imported 4 days ago',
    ],
  ])('%j', (resolution, text) => {
    expect(judgeResolutions({ known: [resolution], now: 2 * hour, maxAgeMs: 24 * hour })).toEqual([
      { level: 'ok', text },
    ])
  })

  test('ages', () => {
    expect([-5, 59 * 60_000, 47 * hour, 48 * hour].map(ageText)).toEqual([
      '0 min',
      '59 min',
      '47 h',
      '2 days',
    ])
  })
})

describe('what was left behind', () => {
  const none = { count: 0, bytes: 0 }
  const facts: LeftoverFacts = {
    deadRuns: none,
    partials: none,
    deadLocks: none,
    trash: none,
    kept: none,
    keptDir: '/o/kept',
  }

  test('is nothing when there is nothing', () => {
    expect(judgeLeftovers(facts)).toEqual([{ level: 'ok', text: 'nothing' }])
  })

  test('is counted, with what the disk gives to it', () => {
    const partials = { count: 2, bytes: 3 * 2 ** 20 }
    const found = judgeLeftovers({ ...facts, partials, deadLocks: { count: 1, bytes: 0 } })
    expect(found.map(({ text }) => text)).toEqual([
      '2 downloads that were broken off (3 MiB): the next fetch of that image goes on from there',
      '1 lock of a dead process: who waits takes it over at once',
    ])
  })
})
