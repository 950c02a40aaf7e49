/** In child processes, as these end. */
import { expect, test } from 'vitest'
import { startWorker } from '../support/worker.js'

const wipeSaysSo = `
const { onProcessEnd } = await source('run/process-end.ts')
const forget = onProcessEnd(() => console.log('wiped'))
setInterval(() => {}, 1000)
`

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'a process with no other listener dies of %s, wiped',
  async (signal) => {
    await using worker = startWorker(`${wipeSaysSo} console.log('ready')`)
    await worker.line(/^ready/)
    worker.kill(signal)
    expect(await worker.ended()).toEqual({ code: null, signal })
    expect(worker.output()).toContain('wiped')
  },
)

test('another listener decides how the process ends, and runs after the wipe', async () => {
  const code = `
    process.on('SIGTERM', () => { console.log('theirs'); process.exit(7) })
    ${wipeSaysSo}
    console.log('ready')
  `
  await using worker = startWorker(code)
  await worker.line(/^ready/)
  worker.kill('SIGTERM')
  expect((await worker.ended()).code).toBe(7)
  // The second time is at the exit: what was made between the two goes as well.
  expect(worker.output()).toBe('ready\nwiped\ntheirs\nwiped')
})

test('an exit wipes', async () => {
  await using worker = startWorker(`${wipeSaysSo} process.exit(3)`)
  expect((await worker.ended()).code).toBe(3)
  expect(worker.output()).toBe('wiped')
})

test('nothing happens any more once it is taken back', async () => {
  await using worker = startWorker(`${wipeSaysSo} forget(); process.exit(0)`)
  expect((await worker.ended()).code).toBe(0)
  expect(worker.output()).toBe('')
})
