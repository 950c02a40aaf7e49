import { defineConfig } from 'vitest/config'

export default defineConfig({ test: { include: ['without-global-setup.spec.ts'] } })
