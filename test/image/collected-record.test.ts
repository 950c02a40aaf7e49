/** A name that is remembered, whose image was collected from the user's own cache: what a layer has still answers it. */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { digestKey, parseDigest } from '../../src/digest.js'
import { cacheLayout } from '../../src/store/layout.js'
import { discardImage } from '../../src/store/store.js'
import { errorOf } from '../support/error-of.js'
import { acme } from '../support/publisher.js'
import { serve } from '../support/signed.js'
import { ensureFrom } from './ensure-from.js'
import { diskOf, type Layered, startLayered } from './layered.js'

const offline = { offline: true }

/** Fetches another build than that of the layer into the user's own cache, and returns its key. */
async function fetchNewer({ publisher }: Layered): Promise<string> {
  const newer = smallQcow2('acme 1, built anew')
  const sha256 = createHash('sha256').update(newer).digest('hex')
  const file = 'acme-1.x86_64.qcow2'
  serve(publisher, { SHA256SUMS: `${sha256}  ${file}\n`, [file]: newer })
  const { digest } = await ensureFrom(publisher, { provider: acme })
  expect(digest).toBe(`sha256:${sha256}`)
  return digestKey(parseDigest(String(digest)))
}

test('an image that was collected gives way to that of a layer, without network', async () => {
  await using layered = await startLayered()
  const { publisher, layer, options } = layered
  const key = await fetchNewer(layered)
  discardImage(cacheLayout(String(publisher.options.cacheDir)), key)
  const base = await ensureFrom(publisher, { provider: acme }, { ...options, ...offline })
  expect(base.path).toBe(diskOf(layer))
})

test('an image that is there comes before that of a layer', async () => {
  await using layered = await startLayered()
  const { publisher, options } = layered
  const key = await fetchNewer(layered)
  const base = await ensureFrom(publisher, { provider: acme }, { ...options, ...offline })
  expect(base.path).toContain(key)
})

test('an image that was collected and is in no layer is fetched again, as the build that is remembered', async () => {
  await using layered = await startLayered()
  const { publisher } = layered
  const key = await fetchNewer(layered)
  discardImage(cacheLayout(String(publisher.options.cacheDir)), key)
  expect(await errorOf(ensureFrom(publisher, { provider: acme }, offline))).toMatchObject({ code: 'OFFLINE' })
  expect((await ensureFrom(publisher, { provider: acme })).path).toContain(key)
})
