import { defineConfig } from 'vitest/config'
import config from './vitest.config.js'

export default defineConfig({
  test: { ...config.test, setupFiles: ['vmimage/vitest/setup'], include: ['with-setup-file.spec.ts'] },
})
