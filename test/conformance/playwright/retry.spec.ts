/** A test that is tried three times, each time in a worker of its own; what it remembers is in a file. */
import { expect } from '@playwright/test'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { test } from 'vmimage/playwright'
import { openDisks } from './disks.js'
import { lookAt } from './look.js'
import { observe } from './observe.js'

const { READY = '' } = process.env
const tries = () =>
  existsSync(READY)
    ? readFileSync(READY, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as string[]) // as written below
    : []

test.describe.configure({ mode: 'default', retries: 2 })

test('opens disks at each try', async ({ vmImage }) => {
  const before = tries().map(lookAt)
  const { paths } = await openDisks(vmImage)
  appendFileSync(READY, `${JSON.stringify(paths)}\n`)
  if (before.length === 2) observe('retry: the disks of earlier tries are gone', before)
  expect(before).toHaveLength(2)
})

test('comes next', () => {
  observe('retry: each of 3 tries has a fresh disk', new Set(tries().flat()).size / 2)
  observe('retry: none is left', tries().map(lookAt))
})
