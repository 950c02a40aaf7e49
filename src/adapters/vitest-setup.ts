/**
 * Vitest's setup file: runs each test, and the shared part of each file, in an AsyncLocalStorage, so that
 * `useVmImage()` knows whose call it is, and ends what they opened. The plugin installs it; by hand it is
 * `setupFiles: ['vmimage/vitest/setup']`.
 *
 * Vitest reads the source of hooks to learn which fixtures they want: where a hook takes the test context it must
 * take it apart in its parameters, or every test of a file with fixtures fails.
 */
import * as vitest from 'vitest'
import { beginAttempt, beginFile, hasAroundHooks, shared } from './vitest-attempt.js'

const { storage } = shared()

if (hasAroundHooks) {
  // oxlint-disable-next-line no-empty-pattern -- the context, of which nothing is wanted; see above
  vitest.aroundAll(async (runSuite, {}, file) => {
    const attempt = beginFile(file)
    await storage.run(attempt, runSuite)
    await attempt.end()
  })
  // Around everything: beforeEach, afterEach, fixtures and the user's own onTestFinished.
  vitest.aroundEach(async (runTest, { task }) => {
    const attempt = beginAttempt(task)
    await storage.run(attempt, runTest)
    await attempt.end()
  })
} else {
  vitest.beforeAll((file) => {
    // Before 4.1 the only argument of the hook is the file or suite.
    shared().file = beginFile(file as unknown as vitest.RunnerTestFile)
    // What beforeAll returns is called after every afterAll, whatever sequence.hooks says of their order.
    return endFile
  })
  vitest.afterAll(async (file) => {
    // But it is not called when a beforeAll of the file failed.
    if ((file as unknown as vitest.RunnerTestFile).result?.state === 'fail') await endFile()
  })
  vitest.beforeEach(({ task, onTestFinished }) => {
    const attempt = beginAttempt(task)
    storage.enterWith(attempt)
    onTestFinished(() => attempt.end())
  })
}

async function endFile(): Promise<void> {
  await shared().file?.end()
  shared().file = undefined
}
