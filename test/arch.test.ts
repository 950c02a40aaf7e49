import { describe, expect, test } from 'vitest'
import { arches, findArch, hostArch, parseArch } from '../src/arch.js'

describe('arch', () => {
  test.each([
    ['amd64', 'x86_64'],
    ['X64', 'x86_64'],
    ['arm64', 'aarch64'],
    ['ppc64el', 'ppc64le'],
    ['i386', 'i686'],
    ['armhf', 'armv7l'],
    ['amd64v2', 'x86_64_v2'],
    ['x86-64-v3', 'x86_64_v3'],
    ['s390x', 's390x'],
  ])('parseArch() knows %s as %s', (alias, arch) => {
    expect(parseArch(alias)).toBe(arch)
  })

  test('parseArch() refuses what it does not know, and shows what it does', () => {
    expect(() => parseArch('vax')).toThrow(/"vax"[^]*x86_64 = amd64/)
    expect(findArch('vax')).toBeUndefined()
    expect(findArch('toString')).toBeUndefined()
  })

  test('hostArch() is one of ours', () => {
    expect(arches).toContain(hostArch())
  })
})
