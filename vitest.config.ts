import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // QEMU's tools are the judge of what we write: installed where that is allowed, demanded by name elsewhere.
    globalSetup: ['test/support/install-qemu.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
