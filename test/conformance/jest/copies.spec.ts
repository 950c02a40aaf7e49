/** A file that loads vmimage/jest more than once: each copy has to know the same tests. */
import { describe, jest, test } from '@jest/globals'
import { createRequire } from 'node:module'
import type * as adapter from 'vmimage/jest'
import { openDisks } from './disks.js'
import { asDisks, type Disks } from './look.js'
import { observe } from './observe.js'

type Adapter = typeof adapter
const { IMAGE = '' } = process.env
// Of the file that Jest runs, whatever language it is in: so that Jest's own require is meant.
const load = (): Adapter =>
  (typeof require === 'function' ? require : createRequire(`${process.cwd()}/copies.spec.js`))(
    'vmimage/jest',
  ) as Adapter // its own

function addTests(name: string, loadCopy: () => Adapter): void {
  describe(name, () => {
    let disks: Disks | undefined
    test('opens disks', async () => {
      const copy = loadCopy()
      const images = await Promise.all([copy.useVmImage(IMAGE), copy.useVmImage('debian:13')])
      disks = asDisks(images)
      const own = await openDisks()
      observe(`${name}: disks by a second copy and by the first are there`, [disks.look(), own.look()])
    })
    test('comes next', () => {
      observe(`${name}: they are gone before the next test`, disks?.look() ?? 'never opened')
    })
  })
}

addTests('jest.resetModules()', () => {
  jest.resetModules()
  return load()
})
addTests('jest.isolateModules()', () => {
  let copy: Adapter | undefined
  jest.isolateModules(() => {
    copy = load()
  })
  return copy ?? load()
})
