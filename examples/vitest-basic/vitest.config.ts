import { defineConfig } from 'vitest/config'
import { vmImages } from 'vmimage/vitest/plugin'

export default defineConfig({
  // All of the configuration: these are fetched once, before the first test.
  plugins: [vmImages({ images: ['fedora', 'debian:13', 'ubuntu:24.04'] })],
  test: { maxWorkers: 4 },
})
