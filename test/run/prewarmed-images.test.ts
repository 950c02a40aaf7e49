import { EventEmitter, once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { smallQcow2 } from '../../fixtures/images/small-qcow2.js'
import { prewarmedImages } from '../../src/run/prewarmed-images.js'
import { acme, startPublisher } from '../support/publisher.js'

const image = smallQcow2('prewarmed')
const leniently = { strict: false, areFound: false }
const strictly = { strict: true, areFound: false }

test('add() fetches each image once, whoever asks for it and in whatever words', async () => {
  await using publisher = await startPublisher({ '1': image })
  const prewarmed = prewarmedImages(undefined, publisher.context())
  await Promise.all([
    prewarmed.add([{ provider: acme }, { provider: acme, size: '20G' }], leniently),
    prewarmed.add([{ provider: acme }], leniently),
  ])
  await prewarmed.add([{ provider: acme }], leniently)
  expect(prewarmed.images.size).toBe(1)
  expect(publisher.mirror.bytesServed(publisher.path('1'))).toBe(image.length)
})

test('add() leaves the connections of another that still downloads', async () => {
  await using publisher = await startPublisher({ '1': image })
  publisher.mirror.fail(publisher.path('1'), { trickle: { bytes: 50_000, everyMs: 20 } })
  const file = join(publisher.directory, 'system.qcow2')
  writeFileSync(file, image)
  const events = new EventEmitter()
  const bytes = once(events, 'bytes')
  const context = publisher.context({
    report: (event) => {
      if (event.type === 'downloading' && event.receivedBytes > 0) events.emit('bytes')
    },
  })
  const prewarmed = prewarmedImages(undefined, context)
  const downloading = prewarmed.add([{ provider: acme }], strictly)
  await Promise.race([bytes, downloading])
  await prewarmed.add([file], strictly)
  await downloading
  expect(publisher.mirror.requests.filter(({ path }) => path === publisher.path('1'))).toHaveLength(1)
})

test('an image that cannot be had is an entry, and with strict an error', async () => {
  await using publisher = await startPublisher({ '1': image })
  const prewarmed = prewarmedImages(undefined, publisher.context())
  await prewarmed.add([{ provider: acme, version: '2' }], leniently)
  expect([...prewarmed.errors.values()]).toMatchObject([{ code: 'NO_MATCH' }])
  await expect(prewarmed.add([{ provider: acme, version: '2' }], strictly)).rejects.toMatchObject({
    code: 'NO_MATCH',
  })
})

test('add() takes an image for whoever takes it as it is, and for nobody else', async () => {
  await using publisher = await startPublisher({ '1': image })
  const url = 'https://acme.example.org/1/acme-1.x86_64.qcow2'
  const prewarmed = prewarmedImages(undefined, publisher.context())
  await prewarmed.add([url, { url, minimumTrust: 'unverified' }], leniently)
  expect([...prewarmed.errors.values()]).toMatchObject([{ code: 'UNTRUSTED' }])
  expect([...prewarmed.images.values()]).toMatchObject([{ trust: 'unverified' }])
  await expect(prewarmed.add([url], strictly)).rejects.toMatchObject({ code: 'UNTRUSTED' })
})

test('what tests ask for in vain is theirs to expect, and no warning or end of the run', async () => {
  await using publisher = await startPublisher({ '1': image })
  const warnings: string[] = []
  const report = publisher.context({
    report: (event) => void (event.type === 'warning' && warnings.push(event.message)),
  })
  const prewarmed = prewarmedImages(undefined, report)
  await prewarmed.add([{ provider: acme, version: '2' }], { strict: true, areFound: true })
  expect([...prewarmed.errors.values()]).toMatchObject([{ code: 'NO_MATCH' }])
  expect(warnings).toEqual([])
  publisher.mirror.fail(publisher.path('1'), { status: 404 })
  const found = prewarmed.add([{ provider: acme }], { strict: true, areFound: true })
  await expect(found).rejects.toMatchObject({ code: 'NETWORK' })
})

test('what could not be had is asked for again only when failures are forgotten', async () => {
  await using publisher = await startPublisher({ '1': image })
  publisher.mirror.fail(publisher.path('1'), { status: 404 })
  const prewarmed = prewarmedImages(undefined, publisher.context())
  await prewarmed.add([{ provider: acme }], leniently)
  const asked = publisher.mirror.requests.length
  await prewarmed.add([{ provider: acme }], leniently)
  expect(publisher.mirror.requests).toHaveLength(asked)
  publisher.mirror.fail(publisher.path('1'), {})
  prewarmed.forgetFailures()
  await prewarmed.add([{ provider: acme }], leniently)
  expect(prewarmed.images.size).toBe(1)
})
