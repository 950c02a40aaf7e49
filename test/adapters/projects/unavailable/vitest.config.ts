import { defineConfig } from 'vitest/config'
import { vmImages } from 'vmimage/vitest/plugin'

export default defineConfig({
  plugins: [
    vmImages({ offline: true, onUnavailable: process.env['DEFAULT'] === 'yes' ? undefined : 'skip' }),
  ],
  test: { sequence: { concurrent: true } },
})
