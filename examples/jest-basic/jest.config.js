// These two lines are all. What the tests ask for is read from them, and fetched once, before the first one.
module.exports = {
  globalSetup: 'vmimage/jest/global-setup',
  globalTeardown: 'vmimage/jest/global-teardown',
}
