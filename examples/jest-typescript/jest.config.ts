import { createDefaultPreset, type JestConfigWithTsJest } from 'ts-jest'

const config: JestConfigWithTsJest = {
  ...createDefaultPreset(),
  globalSetup: 'vmimage/jest/global-setup',
  globalTeardown: 'vmimage/jest/global-teardown',
}

export default config
