// In JavaScript: for a configuration in TypeScript Jest wants ts-node, except on Node 22.18 and newer.
const { createDefaultPreset } = require('ts-jest')

/** @type {import('ts-jest').JestConfigWithTsJest} */
module.exports = {
  ...createDefaultPreset(),
  globalSetup: 'vmimage/jest/global-setup',
  globalTeardown: 'vmimage/jest/global-teardown',
}
