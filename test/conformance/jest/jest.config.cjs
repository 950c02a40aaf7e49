/** One configuration for all modes; SETUP says how vmimage gets into it, and LANGUAGE what compiles the files. */
const {
  SETUP = 'plugin',
  FILES = '',
  LANGUAGE = '',
  JUNIT = '',
  FAKE_TIMERS = '',
  GLOBALS = '',
} = process.env

// What ends in .js in an import of TypeScript is called .ts.
const moduleNameMapper = { '^(\\.{1,2}/.*)\\.js$': '$1' }

const ours = {
  globalSetup: 'vmimage/jest/global-setup',
  globalTeardown: 'vmimage/jest/global-teardown',
}
const setups = {
  // Nothing of vmimage is loaded.
  control: { moduleNameMapper: { '^\\./disks\\.js$': '<rootDir>/no-disks', ...moduleNameMapper } },
  plugin: ours,
  early: { ...ours, setupFiles: LANGUAGE.startsWith('typescript') ? ['./early.ts'] : ['./early.js'] },
  // The teardown is one of the user's, which calls ours.
  watched: {
    ...ours,
    globalTeardown: LANGUAGE.startsWith('typescript') ? './global-teardown.ts' : './global-teardown.js',
  },
}

const tsconfig = { module: 'node16', target: 'es2022', strict: true, types: ['node'], esModuleInterop: true }
const languages = {
  'es-modules': { transform: {} },
  commonjs: { transform: {} },
  'typescript by ts-jest': { transform: { '\\.ts$': ['ts-jest', { tsconfig }] }, moduleNameMapper },
  'typescript by babel-jest': {
    transform: {
      '\\.ts$': [
        'babel-jest',
        { presets: [['@babel/preset-env', { targets: { node: 'current' } }], '@babel/preset-typescript'] },
      ],
    },
    moduleNameMapper,
  },
}

module.exports = {
  rootDir: __dirname,
  testMatch: FILES.split(' ').map((file) => `<rootDir>/${file}`),
  modulePathIgnorePatterns: ['<rootDir>/runs/', '<rootDir>/cache/'],
  testPathIgnorePatterns: ['<rootDir>/node_modules/'],
  watchPathIgnorePatterns: ['<rootDir>/runs/', '<rootDir>/cache/'],
  testTimeout: 20_000,
  reporters: ['default', ...(JUNIT === '' ? [] : [['jest-junit', { outputFile: JUNIT }]])],
  ...(FAKE_TIMERS === '' ? {} : { fakeTimers: { enableGlobally: true } }),
  ...(GLOBALS === '' ? {} : { injectGlobals: false }),
  ...languages[LANGUAGE],
  ...setups[SETUP],
}
