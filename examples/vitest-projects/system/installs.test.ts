/** One test for each system; the names are read from here, so the run fetches just these. */
import { appendFileSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { useVmImage } from 'vmimage/vitest'
import { unitFile } from '../unit/unit-file.js'

test.each(['fedora', 'debian:13', 'ubuntu:24.04'])('installs its unit on %s', async (system) => {
  const disk = await useVmImage(system, { size: '20G' })
  // In place of a guest, which would need QEMU: here you boot the disk, and copy the file into it.
  appendFileSync(disk.path, unitFile('/usr/bin/agent'))
  expect(readFileSync(disk.path, 'latin1')).toContain('ExecStart=/usr/bin/agent')
})
