import { expect, test } from 'vitest'
import { fingerprintOf, readPublicKeys } from '../../src/signature/public-keys.js'
import { makeKey } from '../support/keys.js'

const [one, two] = [await makeKey({ name: 'one' }), await makeKey({ name: 'two', subkeys: [{}] })]
/** A public key packet of a version that nobody knows, with the user id "x". */
const ofTheFuture = Buffer.from([0xc6, 6, 9, 0, 0, 0, 0, 99, 0xcd, 1, 0x78])
/** An RSA public key packet of version 4 without its numbers. */
const damaged = Buffer.from([0xc6, 8, 4, 0, 0, 0, 0, 1, 8, 0])

test.each([
  ['one binary key', one.bytes, [one]],
  ['one armoured key', Buffer.from(one.armored), [one]],
  ['a keyring of several', Buffer.concat([one.bytes, two.bytes]), [one, two]],
  ['several armoured keys', Buffer.from(one.armored + two.armored), [one, two]],
  ['keys in a page', Buffer.from(`<html><pre>${one.armored}</pre>and<pre>${two.armored}</pre>`), [one, two]],
  ['a key with CRLF', Buffer.from(one.armored.replaceAll(/\r?\n/g, '\r\n')), [one]],
  [
    'a keyring with a key of an unknown version',
    Buffer.concat([one.bytes, ofTheFuture, two.bytes]),
    [one, two],
  ],
  ['a keyring that begins with one', Buffer.concat([ofTheFuture, one.bytes, two.bytes]), [one, two]],
  ['a keyring with a damaged key', Buffer.concat([one.bytes, damaged, two.bytes]), [one, two]],
  ['armoured keys, one of them damaged', Buffer.from(one.armored.slice(0, 99) + two.armored), [two]],
])('readPublicKeys() reads %s', async (_, bytes, expected) => {
  const keys = await readPublicKeys(bytes)
  expect(keys.map(fingerprintOf)).toEqual(expected.map(({ fingerprint }) => fingerprint))
})

test.each([
  ['nothing', ''],
  ['HTML', '<html></html>'],
  ['an empty armour', '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n'],
  ['a beginning without an end', '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n'.repeat(1000)],
])('readPublicKeys() finds no key in %s', async (_, text) => {
  expect(await readPublicKeys(Buffer.from(text))).toEqual([])
})

test.each([
  [1023, 'is read', [one]],
  [1024, 'is not looked at', []],
])('A key behind %i blocks that cannot be read %s', async (count, _, expected) => {
  const block = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n'
  const keys = await readPublicKeys(Buffer.from(block.repeat(count) + one.armored))
  expect(keys.map(fingerprintOf)).toEqual(expected.map(({ fingerprint }) => fingerprint))
})
