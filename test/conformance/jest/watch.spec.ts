/** Runs at each turn of a watch session, and waits for nobody. */
import { test } from '@jest/globals'
import { appendFileSync } from 'node:fs'
import { openDisks } from './disks.js'

const { READY = '' } = process.env

test('opens a disk', async () => {
  const { paths } = await openDisks()
  appendFileSync(READY, `${JSON.stringify(paths)}\n`)
})
