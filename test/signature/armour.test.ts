import { expect, test } from 'vitest'
import { armourBlocks } from '../../src/signature/armour.js'

const beginning = '-----BEGIN PGP PUBLIC KEY BLOCK-----'

test('armourBlocks() cuts a text where blocks begin', () => {
  const text = `before ${beginning} one\nbetween\n${beginning} two`
  const blocks = [`${beginning} one\nbetween\n`, `${beginning} two`]
  expect(armourBlocks(Buffer.from(text), beginning, 2)).toEqual(blocks)
})

test('armourBlocks() finds nothing in a text without a block', () => {
  expect(armourBlocks(Buffer.from('-----BEGIN PGP SIGNATURE-----'), beginning, 2)).toEqual([])
})

test('armourBlocks() cuts out no more than it is asked for, however many there are', () => {
  const text = Buffer.from(beginning.repeat((4 * 2 ** 20) / beginning.length))
  expect(armourBlocks(text, beginning, 3)).toEqual([beginning, beginning, beginning])
})
