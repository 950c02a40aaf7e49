/**
 * Two projects in one run. The plugin stands at the root, and `extends` brings it to both: they share one run, and
 * each image is fetched once. Unit tests that ask for no image are not held up by those that do.
 */
import { defineConfig } from 'vitest/config'
import { vmImages } from 'vmimage/vitest/plugin'

export default defineConfig({
  plugins: [vmImages()],
  test: {
    projects: [
      { extends: true, test: { name: 'unit', include: ['unit/**/*.test.ts'] } },
      { extends: true, test: { name: 'system', include: ['system/**/*.test.ts'], testTimeout: 60_000 } },
    ],
  },
})
