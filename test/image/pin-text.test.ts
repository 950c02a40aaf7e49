import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { VmImageError } from '../../src/errors.js'
import { formatPins, parsePins } from '../../src/image/pin-text.js'
import type { Pin, Pins } from '../../src/image/pins.js'
import { tempDir } from '../support/temp-dir.js'
import { pinLike } from './pinning.js'

const hasGit = spawnSync('git', ['--version']).status === 0
const [acme, debian, fedora, ubuntu] = ['acme x86_64', 'debian:13 x86_64', 'fedora x86_64', 'ubuntu x86_64']

const refusal = (text: string) => {
  try {
    return parsePins(text, '/project/vmimage.lock.json')
  } catch (error) {
    if (error instanceof VmImageError) return error
    throw error
  }
}

const full = pinLike({
  request: { name: 'acme', version: '/1/', variant: 'small' },
  variant: 'small',
  otherUrls: ['https://acme.example.org/latest/acme.qcow2.xz'],
  sizeBytes: 12,
  compression: 'xz',
  trust: 'signed',
  signedBy: 'AB'.repeat(20),
})

const named = (name: string): Pin => pinLike({ name, url: `https://${name}.example.org/${name}.qcow2` })

const stanza = (change: object) => JSON.stringify({ [acme]: { ...pinLike(), ...change }, lockfileVersion: 1 })

describe('formatPins()', () => {
  test('is the same bytes, in whatever order the pins and their fields came', () => {
    const shuffled = Object.fromEntries(Object.entries(full).toReversed()) as unknown as Pin // the same fields
    const pins = { [ubuntu]: full, [acme]: pinLike(), [fedora]: pinLike() }
    const others = { [fedora]: pinLike(), [acme]: pinLike(), [ubuntu]: shuffled }
    expect(formatPins(others)).toBe(formatPins(pins))
    expect(formatPins(parsePins(formatPins(pins), 'pins'))).toBe(formatPins(pins))
    expect(parsePins(formatPins(pins), 'pins')).toEqual(pins)
  })

  test('is one stanza for each, sorted, with its end on a line that no neighbour changes', () => {
    const text = formatPins({ [fedora]: pinLike(), [acme]: pinLike() })
    expect(text).toMatchInlineSnapshot(`
      "{
        "acme x86_64": {
          "request": "acme",
          "name": "Acme",
          "version": "1",
          "build": "1",
          "arch": "x86_64",
          "fileName": "acme-1-1.x86_64.qcow2",
          "url": "https://acme.example.org/1/acme-1-1.x86_64.qcow2",
          "digest": "sha256:abababababababababababababababababababababababababababababababab",
          "format": "qcow2",
          "trust": "checksum",
          "resolvedAt": "2026-11-28T12:00:00.000Z"
        },
        "fedora x86_64": {
          "request": "acme",
          "name": "Acme",
          "version": "1",
          "build": "1",
          "arch": "x86_64",
          "fileName": "acme-1-1.x86_64.qcow2",
          "url": "https://acme.example.org/1/acme-1-1.x86_64.qcow2",
          "digest": "sha256:abababababababababababababababababababababababababababababababab",
          "format": "qcow2",
          "trust": "checksum",
          "resolvedAt": "2026-11-28T12:00:00.000Z"
        },
        "lockfileVersion": 1
      }
      "
    `)
    expect(formatPins({})).toBe('{\n  "lockfileVersion": 1\n}\n')
  })
})

describe.skipIf(!hasGit)('two branches merge (needs git)', () => {
  const base: Pins = { [debian]: named('debian'), [fedora]: named('fedora') }

  async function merge(ours: Pins, theirs: Pins) {
    await using directory = await tempDir()
    const [a, b, c] = [ours, base, theirs].map((pins, index) => {
      const file = join(directory.path, String(index))
      writeFileSync(file, formatPins(pins))
      return file
    })
    const args = ['merge-file', '-p', a ?? '', b ?? '', c ?? '']
    return parsePins(execFileSync('git', args, { encoding: 'utf8', stdio: 'pipe' }), 'merged')
  }

  test('when each has added an image of its own', async () => {
    const ours = { ...base, [acme]: named('acme') }
    const theirs = { ...base, [ubuntu]: named('ubuntu') }
    expect(await merge(ours, theirs)).toEqual({ ...ours, ...theirs })
  })

  test('when one has moved the last image, and the other has added one after it', async () => {
    const later = { ...named('fedora'), version: '2', resolvedAt: '2026-12-01T00:00:00.000Z' }
    const theirs = { ...base, [ubuntu]: named('ubuntu') }
    expect(await merge({ ...base, [fedora]: later }, theirs)).toEqual({ ...theirs, [fedora]: later })
  })

  test('when one has removed an image, and the other has moved its neighbour', async () => {
    const later = { ...named('debian'), version: '2' }
    expect(await merge({ [debian]: named('debian') }, { ...base, [debian]: later })).toEqual({
      [debian]: later,
    })
  })

  test('and where both have moved one, the mark of the conflict is named', async () => {
    await using directory = await tempDir()
    const files = ['ours', 'base', 'theirs'].map((name) => {
      const file = join(directory.path, name)
      writeFileSync(file, formatPins({ [acme]: pinLike({ version: name }) }))
      return file
    })
    const { stdout } = spawnSync('git', ['merge-file', '-p', ...files], { encoding: 'utf8' })
    expect(refusal(stdout)).toMatchObject({
      code: 'INVALID_PINS',
      message: expect.stringMatching(
        /line 5 is a mark of a merge conflict, "<<<<<<< .*"\.\n.*npx vmimage pin/,
      ),
    })
  })
})

describe('parsePins() refuses', () => {
  test.each([
    ['no JSON', '{ "acme": ', 'JSON'],
    ['a list', '[]', 'holds no record'],
    ['another JSON file', '{ "name": "my-package" }', 'has no "lockfileVersion"'],
    ['a newer format', '{ "lockfileVersion": 2 }', 'update vmimage'],
    ['a format that is none', '{ "lockfileVersion": "1" }', 'lockfileVersion is "1"'],
    ['a stanza that is none', '{ "acme x86_64": 1, "lockfileVersion": 1 }', '"acme x86_64" is no record'],
    ['no digest', stanza({ digest: undefined }), 'digest of "acme x86_64" is missing'],
    ['a digest that can be forged', stanza({ digest: `md5:${'0'.repeat(32)}` }), 'digest of'],
    ['a digest that is none', stanza({ digest: 'sha256:12' }), 'digest of'],
    ['a file of this machine', stanza({ url: 'file:///etc/passwd' }), 'url of'],
    ['another file of this machine', stanza({ otherUrls: ['file:///etc/passwd'] }), 'otherUrls of'],
    ['a name that leads elsewhere', stanza({ fileName: '../../.bashrc' }), 'fileName of'],
    ['a name that is a directory', stanza({ fileName: '..' }), 'fileName of'],
    ['a packing that is not known', stanza({ compression: 'rar' }), 'compression of'],
    ['a format that is not known', stanza({ format: 'vmdk' }), 'format of'],
    ['an architecture that is not known', stanza({ arch: 'vax' }), 'arch of'],
    ['a size that is none', stanza({ sizeBytes: -1 }), 'sizeBytes of'],
    ['a trust that there is not', stanza({ trust: 'blind' }), 'trust of'],
    ['a time that is none', stanza({ resolvedAt: 'yesterday' }), 'resolvedAt of'],
    ['a request that is none', stanza({ request: 1 }), 'request of'],
  ])('%s', (_, text, said) => {
    const error = refusal(text)
    expect(error).toMatchObject({ code: 'INVALID_PINS', message: expect.stringContaining(said) })
    expect(error).toHaveProperty('message', expect.stringMatching(/"\/project\/vmimage\.lock\.json".*\n./))
  })
})

test('parsePins() takes what an editor or git has done to the ends of lines', () => {
  const pins = { [acme]: pinLike() }
  expect(parsePins(`\uFEFF${formatPins(pins).replaceAll('\n', '\r\n')}`, 'pins')).toEqual(pins)
})
