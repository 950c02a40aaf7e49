/** A run that lives on while others are killed: until the file `over` is there, it looks whether it lost anything. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'

const hash = (path: string) => createHash('sha512').update(readFileSync(path)).digest('hex')

test('loses nothing', { timeout: 0 }, async () => {
  const disk = await useVmImage('debian:13')
  const overlay = hash(disk.path)
  console.log(`opened ${disk.path}`)
  let looks = 0
  do {
    expect(`sha512:${hash(disk.baseImage)}`).toBe(disk.digest)
    expect(hash(disk.path)).toBe(overlay)
    looks += 1
    await delay(100)
  } while (!existsSync('over'))
  writeFileSync('looks', String(looks))
})
