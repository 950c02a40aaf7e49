/** One configuration for all modes; SETUP says how vmimage gets into it. */
import { defineConfig } from '@playwright/test'
import { createRequire } from 'node:module'

const { SETUP = '', FILES = '', JUNIT = '', RETRIES = '0' } = process.env
const ours = createRequire(`${process.cwd()}/`).resolve('vmimage/playwright/global-setup')

export default defineConfig({
  testDir: '.',
  testMatch: FILES.split(' ').map((file) => `**/${file}`),
  outputDir: 'results',
  workers: 2,
  timeout: 20_000,
  retries: Number(RETRIES),
  reporter: [['list'], ...(JUNIT === '' ? [] : ([['junit', { outputFile: JUNIT }]] as const))],
  ...(SETUP === 'plugin' && { globalSetup: ours }),
})
