/** A disk that a concurrent test shares with others, and one of its own. Jest begins concurrent tests before beforeAll. */
import { beforeAll, test } from '@jest/globals'
import { EventEmitter, once } from 'node:events'
import { openDisks } from './disks.js'
import type { Disks } from './look.js'
import { observe } from './observe.js'

const events = new EventEmitter()
const isOpen = once(events, 'open')
let disks: Disks | undefined
beforeAll(async () => {
  disks = await openDisks()
  events.emit('open')
})

test.concurrent('a concurrent test', async () => {
  await isOpen
  const own = await openDisks()
  observe('beforeAll: its disk and one of its own are there in a concurrent test', [
    disks?.look() ?? '',
    own.look(),
  ])
})
