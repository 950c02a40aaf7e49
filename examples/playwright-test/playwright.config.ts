import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: '.',
  // Fetches what the tests ask for once, before the first one; without it an image is fetched inside of a test.
  globalSetup: 'vmimage/playwright/global-setup',
})
