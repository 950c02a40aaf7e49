/** Calls for a test that has ended. A worker ends with the test that failed in it, so what is late comes from one that did not. */
import { EventEmitter, once } from 'node:events'
import { test } from 'vmimage/playwright'
import { openDisks, refusal } from './disks.js'
import { observe } from './observe.js'

test.describe('a promise', () => {
  const events = new EventEmitter()
  const late = once(events, 'late')

  test('is left behind', async ({ vmImage }) => {
    await openDisks(vmImage)
    void once(events, 'go on')
      .then(() => refusal(vmImage))
      .then((code) => events.emit('late', code))
  })

  test('comes next', async () => {
    events.emit('go on')
    observe('call from what a test left running: refused', String(await late))
  })
})
