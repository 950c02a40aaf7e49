import { defineConfig } from 'vitest/config'
import { vmImages } from 'vmimage/vitest/plugin'

export default defineConfig({
  // All of the configuration: what the tests ask for is read from them, and fetched once, before the first one.
  plugins: [vmImages()],
  test: { maxWorkers: 4 },
})
