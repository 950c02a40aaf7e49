/** Runs at each turn of a watch session, and waits for nobody. */
import { appendFileSync } from 'node:fs'
import { test } from 'node:test'
import { openDisks } from './disks.js'

const { READY = '' } = process.env

test('opens a disk', async (t) => {
  const { paths } = await openDisks(t)
  appendFileSync(READY, `${JSON.stringify(paths)}\n`)
})
