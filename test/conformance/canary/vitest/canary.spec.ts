/**
 * What we use of Vitest although nobody promises it. When one of these goes, so does a promise of ours; the canary
 * says which before a user does. Without vmimage: it must also tell when that cannot start any more.
 */
import * as vitest from 'vitest'
import { appendFileSync } from 'node:fs'
import { onTestFinished, test } from 'vitest'

const { OBSERVED = '' } = process.env
const observe = (row: string, saw: string) => appendFileSync(OBSERVED, `${JSON.stringify({ row, saw })}\n`)

test('knows the current test', async ({ task }) => {
  const found = 'TestRunner' in vitest ? vitest.TestRunner : await import('./before-4-1.js')
  const current = found.getCurrentTest() === task ? 'the test' : 'another or none'
  observe('canary: TestRunner.getCurrentTest() (vitest/suite before 4.1) is the test', current)
})

test('has its state', ({ task }) => {
  onTestFinished(() => {
    observe('canary: task.result.state in onTestFinished', task.result?.state ?? 'none')
    observe('canary: task.context has onTestFinished', typeof task.context.onTestFinished)
  })
})

test('fails', ({ task }) => {
  // The runner looks for this text in the reports.
  onTestFinished(() => {
    const error = task.result?.errors?.at(-1)
    if (!error) return
    const message = `${error.message}\n\nadded in onTestFinished`
    if (error.stack !== undefined) error.stack = error.stack.replace(error.message, () => message)
    error.message = message
  })
  throw new Error('fails on purpose')
})
