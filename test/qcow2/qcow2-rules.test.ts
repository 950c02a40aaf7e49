import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  bitmaps,
  both,
  bytes,
  extensionsOfNoMeaning,
  field,
  fileBytes,
  hostileBytes,
  hostileQcow2,
  type Patch,
  u32,
  u64,
} from '../../fixtures/images/hostile-qcow2.js'
import { examineImage } from '../../src/qcow2/examine.js'
import { gateRules } from '../../src/qcow2/gate.js'
import { inspectImage } from '../../src/qcow2/inspect.js'
import { tempDir } from '../support/temp-dir.js'
import { refusalOf } from './refusal-of.js'

const idsOf = (path: string) => examineImage(path).breaches.map(({ rule }) => rule.id)

describe('a hostile qcow2 file breaks its rule, and no other:', () => {
  test.each(hostileQcow2)('$breaks: $what', async ({ breaks, ...hostile }) => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    writeFileSync(path, hostileBytes(hostile))
    truncateSync(path, hostile.fileBytes ?? fileBytes)
    const ids = breaks.split(' ')
    expect(idsOf(path).toSorted()).toEqual(ids.toSorted())
    const refused = refusalOf(path)
    const rule = gateRules.find(({ id }) => ids.includes(id))
    expect(refused.message).toContain(`Cannot use "${path}" as a base image: it`)
    expect(refused.message).toContain(`. Rule ${rule?.id}: ${rule?.meaning}\n${rule?.cure}`)
    expect(refused.code).toBe(
      rule?.id.startsWith('Q1') && !/^Q1\d/.test(rule.id) ? 'UNSUPPORTED_IMAGE' : 'UNSAFE_IMAGE',
    )
  })

  test('for each rule there is such a file', () => {
    const alone = new Set(hostileQcow2.map(({ breaks }) => breaks))
    const rules = gateRules.map(({ id }) => id).filter((id) => id.startsWith('Q'))
    expect(rules.filter((id) => !alone.has(id))).toEqual([])
  })
})

describe('a qcow2 file at the limit of a rule is let in:', () => {
  test.each<[string, Patch]>([
    ['nothing is changed', () => undefined],
    ['Q4 and Q6: the largest disk of one L1 entry', u64(field.virtualSize, 512 * 2 ** 20)],
    [
      'Q6: the largest disk of one L1 entry with extended L2',
      both(u64(field.virtualSize, 256 * 2 ** 20), u64(field.incompatible, 16n)),
    ],
    ['Q6: an L1 table up to the end of the file', u32(field.l1Entries, 40_960)],
    ['Q6: an L2 table in the last cluster', u64(196_608, fileBytes - 65_536)],
    [
      'Q7: a refcount table from the end of the L1 table to that of the file',
      both(
        u32(field.l1Entries, 16_384),
        u64(field.l1Offset, 65_536),
        u64(field.refcountTableOffset, 196_608),
        u32(field.refcountTableClusters, 5),
        u64(196_608, 131_072),
      ),
    ],
    ['Q7: a refcount table up to the L1 table', u32(field.refcountTableClusters, 2)],
    ['Q7: a refcount block in the last cluster', u64(65_536, fileBytes - 65_536)],
    ['Q8: an offset of no snapshots', u64(field.snapshotsOffset, (1n << 62n) + 65_536n)],
    ['Q9 and Q11: zstd', both(u64(field.incompatible, 8n), bytes(field.compression, '\u0001'))],
    ['Q10: bitmaps', u64(field.autoclear, 1n)],
    ['Q11: refcounts of 64 bits', u32(field.refcountOrder, 6)],
    ['Q11: the shortest header', both(u32(field.headerBytes, 104), u64(104, 0n))],
    ['Q11: a header as long as its cluster', u32(field.headerBytes, 65_536)],
    ['Q12: 64 bitmaps in a directory up to the end of the file', bitmaps({ count: 64, size: 196_608n })],
    [
      'Q12: an old list of bitmaps, which QEMU does not read',
      both(bitmaps({ size: 2n ** 40n }), u64(field.autoclear, 0n)),
    ],
    ['Q12: 32 extensions', extensionsOfNoMeaning(32)],
  ])('%s', async (_, patch) => {
    await using dir = await tempDir()
    const path = join(dir.path, 'image')
    writeFileSync(path, hostileBytes({ patch }))
    expect(idsOf(path)).toEqual([])
    expect(inspectImage(path).format).toBe('qcow2')
  })
})
