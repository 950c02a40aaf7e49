import { defineConfig } from 'vitest/config'
import { vmImages } from 'vmimage/vitest/plugin'

const images = (process.env['IMAGES'] ?? '').split(' ')

export default defineConfig({
  plugins: [vmImages({ images, arch: 'x86_64' })],
  test: { pool: 'forks', maxWorkers: 4, testTimeout: 60_000 },
})
