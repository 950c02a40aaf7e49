import { defineConfig } from 'vitest/config'
import { vmImages } from 'vmimage/vitest/plugin'

export default defineConfig({
  plugins: [vmImages({ images: [process.env['IMAGE'] ?? ''] })],
  test: {
    projects: [
      { extends: true, test: { name: 'one', include: ['disk.spec.ts'] } },
      { extends: true, test: { name: 'two', include: ['disk.spec.ts'] } },
    ],
  },
})
