import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { startPublisher } from '../support/publisher.js'
import { ensureFrom } from './ensure-from.js'
import { withBackingFile } from './with-backing-file.js'

const image = smallQcow2('acme 1')
const newer = smallQcow2('acme 2')
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

describe('ensureBaseImage() of a file', () => {
  test('uses it where it lies', async () => {
    await using publisher = await startPublisher({})
    const path = join(publisher.directory, 'my disk.img')
    writeFileSync(path, image)
    expect(await ensureFrom(publisher, path)).toMatchObject({
      path,
      format: 'qcow2',
      trust: 'unverified',
    })
    const pinned = await ensureFrom(publisher, { path, checksum: `sha256:${sha256(image)}` })
    expect(pinned.trust).toBe('pinned')
  })

  test('unpacks it into the cache when it is packed', async () => {
    await using publisher = await startPublisher({})
    const path = join(publisher.directory, 'disk.qcow2')
    writeFileSync(path, image)
    execFileSync('gzip', [path])
    const base = await ensureFrom(publisher, `${path}.gz`)
    expect(readFileSync(base.path).equals(image)).toBe(true)
    expect(base.fileName).toBe('disk.qcow2')
    expect((await ensureFrom(publisher, `${path}.gz`)).path).toBe(base.path)
  })

  test('unpacks it anew when it was packed anew', async () => {
    await using publisher = await startPublisher({})
    const path = join(publisher.directory, 'disk.qcow2.gz')
    writeFileSync(path, gzipSync(image))
    await ensureFrom(publisher, path)
    writeFileSync(path, gzipSync(newer))
    const base = await ensureFrom(publisher, path)
    expect(readFileSync(base.path).equals(newer)).toBe(true)
  })

  test('reports what is odd about it', async () => {
    await using publisher = await startPublisher({})
    const path = join(publisher.directory, 'notes.img')
    writeFileSync(path, 'not much of a disk')
    expect((await ensureFrom(publisher, path)).format).toBe('raw')
    expect(publisher.events).toContainEqual(
      expect.objectContaining({ type: 'warning', message: expect.stringContaining(path) }),
    )
  })

  test('says when it is not there, not the one, or not safe', async () => {
    await using publisher = await startPublisher({})
    const path = join(publisher.directory, 'disk.qcow2')
    await expect(ensureFrom(publisher, path)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
    writeFileSync(path, withBackingFile(image))
    await expect(ensureFrom(publisher, path)).rejects.toMatchObject({ code: 'UNSAFE_IMAGE' })
    writeFileSync(path, image)
    await expect(ensureFrom(publisher, { path, checksum: `sha256:${sha256(newer)}` })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    })
    await expect(ensureFrom(publisher, { path, format: 'raw' })).rejects.toMatchObject({
      code: 'UNSAFE_IMAGE',
    })
  })
})
