import { defineConfig } from 'vitest/config'

// Without the plugin: nobody downloads beforehand, and all eight processes find the cache empty.
export default defineConfig({
  test: { pool: 'forks', maxWorkers: 8, include: ['*.spec.ts'], testTimeout: 60_000 },
})
