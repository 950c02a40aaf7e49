/**
 * Qcow2 files that somebody changed with knowledge of the format: fields, extensions, tables and lengths get the
 * values at which readers go wrong. What fast-check finds it shrinks to the changes that matter.
 */
import * as fc from 'fast-check'
import { field, hostileQcow2 } from '../../fixtures/images/hostile-qcow2.js'
import { qcow2Of, smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { extensionType } from '../../src/qcow2/header-extensions.js'

/** A file: its bytes, and how long it is, with a hole at the end or without its last bytes. */
export interface Mutant {
  readonly bytes: Buffer
  readonly fileBytes: number
}

const fieldNames = Object.keys(field).filter((name) => name !== 'extensions') as (keyof typeof field)[] // of a literal
const wideFields = new Set<keyof typeof field>([
  'backingNameOffset',
  'virtualSize',
  'l1Offset',
  'refcountTableOffset',
  'snapshotsOffset',
  'incompatible',
  'compatible',
  'autoclear',
])
const marks = [
  [0x8001, 'CD001'],
  [0x8001, 'NSR02'],
  [510, '\u0055\u00aa'],
  [64, '\u007f\u0010\u00da\u00be'],
  [-512, 'conectix'],
  [-511, 'conectix'],
  [-512, 'koly'],
  [0, 'KDMV'],
] as const

/** Sound images of several shapes. The smaller ones come more often, because they are judged faster. */
const seeds: readonly Buffer[] = [
  ...([2, 3, 3] as const).flatMap((version) =>
    [9, 9, 12, 12, 14].map((clusterBits) =>
      qcow2Of(Buffer.alloc(2 ** clusterBits * 2, 7), { version, clusterBits }),
    ),
  ),
  smallQcow2('mutant', { virtualSizeBytes: 65_536, dataClusters: 1 }),
]

type Change =
  | { readonly kind: 'field'; readonly name: keyof typeof field; readonly value: bigint }
  | {
      readonly kind: 'entry'
      readonly table: 'l1' | 'refcounts'
      readonly index: number
      readonly value: bigint
    }
  | { readonly kind: 'extensions'; readonly list: readonly Extension[] }
  | { readonly kind: 'mark'; readonly place: (typeof marks)[number] }
  | { readonly kind: 'known'; readonly index: number }
  | { readonly kind: 'byte'; readonly at: number; readonly value: number }
  | { readonly kind: 'length'; readonly eighths: number; readonly more: number }

interface Extension {
  readonly type: number
  readonly bytes: number
  readonly lie: number
}

/** Small numbers, powers of two and their neighbours, whole clusters and file lengths of the seeds, and anything. */
const number64 = fc.oneof(
  fc.bigInt(0n, 9n),
  fc.tuple(fc.integer({ min: 0, max: 63 }), fc.integer({ min: -1, max: 1 })).map(([bit, more]) => {
    return BigInt.asUintN(64, (1n << BigInt(bit)) + BigInt(more))
  }),
  fc
    .tuple(
      fc.constantFrom(9, 12, 14, 16, 21),
      fc.integer({ min: 0, max: 12 }),
      fc.constantFrom(0, 0, 0, 8, 512),
    )
    .map(([bits, clusters, more]) => BigInt(clusters * 2 ** bits + more)),
  fc.bigInt(0n, 2n ** 64n - 1n),
)

const extension = fc.record({
  type: fc.oneof(fc.constantFrom(...Object.values(extensionType)), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  bytes: fc.constantFrom(0, 1, 7, 8, 16, 24, 32, 200),
  lie: fc.constantFrom(0, 0, 0, 0, 1, -1, 65_536, 0xffff_ff00),
})

const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('field' as const),
      name: fc.constantFrom(...fieldNames),
      value: number64,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('entry' as const),
      table: fc.constantFrom('l1' as const, 'refcounts' as const),
      index: fc.integer({ min: 0, max: 3 }),
      value: number64,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('extensions' as const),
      list: fc.array(extension, { maxLength: 34, size: 'small' }),
    }),
  },
  fc.record({ kind: fc.constant('mark' as const), place: fc.constantFrom(...marks) }),
  fc.record({ kind: fc.constant('known' as const), index: fc.nat(hostileQcow2.length - 1) }),
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('byte' as const), at: fc.nat(1023), value: fc.nat(255) }),
  },
  fc.record({
    kind: fc.constant('length' as const),
    eighths: fc.integer({ min: 0, max: 9 }),
    more: fc.constantFrom(0, 0, 1, -1, 512),
  }),
)

/** Mutants of the seeds, with no change to four of them. */
export const mutant: fc.Arbitrary<Mutant> = fc
  .tuple(fc.nat(seeds.length - 1), fc.array(change, { maxLength: 4, size: 'max' }))
  .map(([seed, changes]) => mutate(seeds[seed] ?? Buffer.alloc(0), changes))

function mutate(seed: Buffer, changes: readonly Change[]): Mutant {
  const bytes = Buffer.from(seed)
  let fileBytes = bytes.length
  for (const each of changes) {
    if (each.kind === 'length')
      fileBytes = Math.max(0, Math.floor((bytes.length * each.eighths) / 8) + each.more)
    else apply(bytes, each)
  }
  return { bytes: bytes.subarray(0, fileBytes), fileBytes }
}

function apply(bytes: Buffer, each: Exclude<Change, { readonly kind: 'length' }>): void {
  switch (each.kind) {
    case 'field':
      writeNumber(bytes, field[each.name], each.value, wideFields.has(each.name))
      break
    case 'entry': {
      const table = bytes.readBigUInt64BE(each.table === 'l1' ? field.l1Offset : field.refcountTableOffset)
      const at = Number(BigInt.asUintN(40, table)) + 8 * each.index
      if (at + 8 <= bytes.length) bytes.writeBigUInt64BE(each.value, at)
      break
    }
    case 'extensions':
      writeExtensions(bytes, each.list)
      break
    case 'mark': {
      const [offset, text] = each.place
      bytes.write(text, offset < 0 ? bytes.length + offset : Math.min(offset, bytes.length), 'latin1')
      break
    }
    case 'known':
      try {
        hostileQcow2[each.index]?.patch(bytes)
      } catch (error) {
        // Made for a larger image.
        if (!(error instanceof RangeError)) throw error
      }
      break
    case 'byte':
      bytes[each.at] = each.value
      break
  }
}

function writeNumber(bytes: Buffer, offset: number, value: bigint, isWide: boolean): void {
  if (isWide) bytes.writeBigUInt64BE(value, offset)
  else bytes.writeUInt32BE(Number(BigInt.asUintN(32, value)), offset)
}

/** As many as fit; the lengths that they claim may be lies. */
function writeExtensions(bytes: Buffer, list: readonly Extension[]): void {
  let at = bytes.readUInt32BE(field.version) === 2 ? 72 : field.extensions
  for (const { type, bytes: length, lie } of list) {
    const padded = Math.ceil(length / 8) * 8
    if (at + 8 + padded + 8 > bytes.length) return
    bytes.writeUInt32BE(type, at)
    bytes.writeUInt32BE((length + lie) >>> 0, at + 4)
    at += 8 + padded
  }
  bytes.fill(0, at, at + 8)
}
