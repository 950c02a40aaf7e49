/** The short form of the fuzz; `npm run test:faults` runs it for minutes. */
import { describe, expect, test } from 'vitest'
import { fuzz, type FuzzCounts } from './fuzz.js'

const seed = Number(process.env['VMIMAGE_FAULTS_SEED'] ?? Date.now() % 2 ** 31)
const timeoutMs = 240_000

/** A busy machine needs longer for as much; see `isEnough` of fuzz(). */
const isMuch = ({ uses, kills, publishes }: FuzzCounts) => uses >= 10 && kills >= 3 && publishes >= 2
const isTwice = ({ uses, duplicates }: FuzzCounts) => uses >= 10 && duplicates > 0
const isCorrupt = ({ corruptUses }: FuzzCounts) => corruptUses > 0

describe(`fuzz, VMIMAGE_FAULTS_SEED=${seed}`, () => {
  test(
    'fault 1, 6, 9, 11, 17, 30, 43, processes killed and stopped, replies cut and flipped, images and locks removed: no byte is wrong, and nothing is downloaded twice',
    async () => {
      const { counts, failures } = await fuzz({ mode: 'lock', seed, seconds: 12, isEnough: isMuch })
      expect(failures).toEqual([])
      expect(counts).toMatchObject({ corruptUses: 0, corruptPublished: 0, unexplainedDuplicates: 0 })
      expect(isMuch(counts)).toBe(true)
    },
    timeoutMs,
  )

  test(
    'fault 12, the lock is a no-op: processes download the same image twice, and no byte is wrong',
    async () => {
      const { counts, failures } = await fuzz({ mode: 'nolock', seed, seconds: 8, isEnough: isTwice })
      expect(failures).toEqual([])
      expect(counts).toMatchObject({ corruptUses: 0, corruptPublished: 0 })
      expect(isTwice(counts)).toBe(true)
    },
    timeoutMs,
  )

  test(
    'the same fuzz finds wrong bytes in a cache that shares one unfinished file and hashes while it streams',
    async () => {
      const { counts } = await fuzz({ mode: 'naive', seed, seconds: 1, isEnough: isCorrupt })
      expect(counts.corruptUses).toBeGreaterThan(0)
    },
    timeoutMs,
  )
})
