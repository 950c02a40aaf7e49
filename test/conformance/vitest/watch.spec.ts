/** Runs at each turn of a watch session, and waits for nobody. */
import { appendFileSync } from 'node:fs'
import { test } from 'vitest'

const { SETUP, READY = '' } = process.env

test('opens a disk', async () => {
  const { openDisks } = await import('./disks.js')
  const disks = SETUP === 'control' ? undefined : await openDisks()
  appendFileSync(READY, `${JSON.stringify(disks?.paths ?? [])}\n`)
})
