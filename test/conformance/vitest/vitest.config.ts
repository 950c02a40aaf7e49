/** One configuration for all modes; SETUP says how vmimage gets into it, and CONTROL leaves it out. */
import { defineConfig } from 'vitest/config'
import { vmImages } from 'vmimage/vitest/plugin'

const { SETUP = 'plugin', IMAGE = '', FILES = '', HOOKS = 'stack', SEQUENCE = '' } = process.env
const options = { images: [IMAGE, 'debian:13'] }
const ours = 'vmimage/vitest/global-setup'
const users = './global-teardown.ts'

const common = {
  include: FILES.split(' '),
  globalSetup: [users],
  testTimeout: 20_000,
  maxWorkers: 2,
  sequence: {
    hooks: HOOKS as 'stack' | 'list' | 'parallel', // by the runner
    concurrent: SEQUENCE === 'concurrent',
  },
}
const byHand = { ...common, globalSetup: [ours, users], provide: { vmImages: options } }
const nothing = { ...common, globalSetup: [users] }

export default defineConfig(
  {
    control: { test: nothing },
    plugin: { plugins: [vmImages(options)], test: common },
    'by hand': { test: { ...byHand, setupFiles: ['vmimage/vitest/setup'] } },
    'no setup file': { test: byHand },
    'projects that extend': {
      plugins: [vmImages(options)],
      test: {
        ...common,
        projects: [
          { extends: true as const, test: { name: 'one' } },
          { extends: true as const, test: { name: 'two' } },
        ],
      },
    },
    'inline projects under a plugin': {
      plugins: [vmImages(options)],
      test: {
        projects: [{ test: { ...common, name: 'one' } }, { test: { ...common, name: 'two' } }],
      },
    },
    'inline projects': {
      test: {
        projects: [
          { plugins: [vmImages(options)], test: { ...common, name: 'one' } },
          { plugins: [vmImages(options)], test: { ...common, name: 'two' } },
        ],
      },
    },
  }[SETUP] ?? {},
)
