/** The examples that a user reads are run, against publishers on the loopback. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { publishSmallImages } from '../../fixtures/publishers.js'
import { startMirror } from '../support/mirror.js'
import { tempDir } from '../support/temp-dir.js'
import { openProject } from './vitest-project.js'

test.each(['vitest-basic', 'custom-provider'])(
  'examples/%s passes cold, and warm without a network',
  async (name) => {
    await using publishers = await tempDir()
    const { config } = await publishSmallImages(publishers.path)
    await using mirror = await startMirror(publishers.path)
    await using project = await openProject(fileURLToPath(new URL(`../../examples/${name}`, import.meta.url)))
    const cold = await project.run([], { VMIMAGE_MIRROR: mirror.url, VMIMAGE_CONFIG: config })
    expect(cold.code, cold.output).toBe(0)
    const images = mirror.requests
      .filter(({ path }) => /\.(qcow2|img|xz)$/.test(path))
      .map(({ path }) => path)
    expect(images.length).toBeGreaterThan(1)
    expect(new Set(images).size).toBe(images.length)
    expect(project.runDirectories()).toEqual([])

    const asked = mirror.requests.length
    const offline = { VMIMAGE_MIRROR: mirror.url, VMIMAGE_CONFIG: config, VMIMAGE_OFFLINE: '1' }
    const warm = await project.run([], offline)
    expect(warm.code, warm.output).toBe(0)
    expect(mirror.requests).toHaveLength(asked)
  },
)
