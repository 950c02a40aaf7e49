/** `vmimage inspect`, as a user runs it. */
import { spawn } from 'node:child_process'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bootCounterDisk } from '../../fixtures/images/boot-counter.js'
import { bytes, field, hostileBytes, u64 } from '../../fixtures/images/hostile-qcow2.js'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { qemuImg, qemuIo } from '../support/qemu.js'
import { tempDir } from '../support/temp-dir.js'
import { finish, main } from './command.js'

const inspect = (...args: readonly string[]) =>
  finish(
    spawn(process.execPath, [main, 'inspect', ...args], { env: { ...process.env, VMIMAGE_OFFLINE: '1' } }),
  )

// The command is started several times in a test, and each start takes seconds on a busy machine.
describe('vmimage inspect', { timeout: 120_000 }, () => {
  test('prints what a good image is, also behind a link, and ends with 0', async () => {
    await using dir = await tempDir()
    const [path, link] = [join(dir.path, 'image'), join(dir.path, 'link')]
    writeFileSync(path, smallQcow2('a'))
    symlinkSync(path, link)
    const { code, stdout, stderr } = await inspect(link)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['file', path],
      ['format', 'qcow2, version 3'],
      ['file size', '512 KiB (524288 bytes)'],
      ['disk size', '4 MiB (4194304 bytes)'],
      ['clusters', '64 KiB'],
      ['refcounts', '16 bit'],
      ['compression', 'zlib'],
      ['encryption', 'none'],
      ['features', 'none'],
      ['bitmaps', '0'],
      ['snapshots', '0'],
      ['base image', 'yes: it keeps every rule'],
      [''],
    ])
  })

  test('prints the partition table of a raw disk, and what is odd about a file without one', async () => {
    await using dir = await tempDir()
    const [disk, page] = [join(dir.path, 'disk'), join(dir.path, 'page')]
    writeFileSync(disk, bootCounterDisk())
    writeFileSync(page, '<!DOCTYPE html>')
    expect((await inspect(disk)).stdout).toMatch(/\npartitions +MBR\n/)
    const odd = await inspect(page)
    expect(odd.code).toBe(0)
    expect(odd.stdout).toMatch(/\nnote +.*no partition table \(rule W3\)/)
  })

  test('prints every broken rule with its cure, and ends with 1', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    await qemuImg('create', '-u', '-f', 'qcow2', '-b', '/etc/shadow', '-F', 'raw', path, '1M')
    await qemuImg('snapshot', '-c', 'two\nlines', path)
    changeSnapshotId(path, '\n')
    const { code, stdout } = await inspect(path)
    expect(code).toBe(1)
    expect(stdout).toMatch(/\nbacking file +"\/etc\/shadow"\n/)
    expect(stdout).toMatch(/\n +"\\n" "two\\nlines", \d{4}-/)
    expect(stdout).toMatch(
      /\nBREAKS Q2 +it names a backing file\..*\n +cure: If you trust the file, write it anew/,
    )
    expect(stdout).toMatch(/\nBREAKS Q8 +it has 1 internal snapshot\./)
    expect(stdout).toMatch(/\nbase image +no: it breaks 2 rules\n$/)
  })

  test('prints all of it as JSON', async () => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    writeFileSync(path, hostileBytes({ patch: bytes(0x8001, 'CD001') }))
    const { code, stdout } = await inspect(path, '--json')
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      path,
      format: 'qcow2',
      virtualSizeBytes: 4_194_304,
      qcow2: { version: 3, clusterBytes: 65_536, snapshots: [] },
      isUsable: false,
      breaches: [{ id: 'Q13-cd', found: 'it is a CD image too', cure: expect.stringMatching(/^The file/) }],
    })
  })

  test('says of a file that is not there what is wrong', async () => {
    await using dir = await tempDir()
    const { code, stderr } = await inspect(join(dir.path, 'image'))
    expect(code).toBe(1)
    expect(stderr).toContain('[FILE_NOT_FOUND]')
  })

  test('--repair writes a repaired copy of a dirty image, and only of such', async () => {
    await using dir = await tempDir()
    const [path, copy] = [join(dir.path, 'image'), join(dir.path, 'copy')]
    await qemuImg('create', '-f', 'qcow2', '-o', 'lazy_refcounts=on', path, '8M')
    await qemuIo(path, 'write -P 7 0 1M', 'abort').catch(() => undefined)
    const before = readFileSync(path)
    const dirty = await inspect(path)
    expect(dirty.code).toBe(1)
    expect(dirty.stdout).toMatch(/\nBREAKS Q9-dirty .*\n.*vmimage inspect FILE --repair NEW/)
    const repaired = await inspect(path, '--repair', copy)
    expect(repaired).toMatchObject({ code: 0, stderr: '' })
    expect(repaired.stdout).toMatch(new RegExp(`^file +${copy}\n`))
    expect(readFileSync(path).equals(before)).toBe(true)
    expect((await inspect(copy)).code).toBe(0)

    writeFileSync(path, hostileBytes({ patch: u64(field.incompatible, 2n) }))
    const refused = await inspect(path, '--repair', join(dir.path, 'other'))
    expect(refused.code).toBe(5)
    expect(refused.stderr).toMatch(/\[UNSAFE_IMAGE\] Cannot repair .*\(rule Q9-corrupt\)/)
  })
})

/** Of the first snapshot, whose number QEMU writes as one digit: its place by docs/interop/qcow2.txt of QEMU. */
function changeSnapshotId(path: string, id: string): void {
  const image = readFileSync(path)
  const entry = Number(image.readBigUInt64BE(64))
  const extraBytes = image.readUInt32BE(entry + 36)
  image.write(id, entry + 40 + extraBytes, 'latin1')
  writeFileSync(path, image)
}
