/** Waits for a lock, says when it has it (milliseconds since 1970), and holds it until it is killed. */
import { cacheLayout } from '../../src/store/layout.js'
import { withLock } from '../../src/store/lock.js'
import { ensureCache } from '../../src/store/root.js'

const layout = cacheLayout(process.argv[2] ?? '')
ensureCache(layout)
const wait = {
  isDone: () => false,
  onWait: () => console.log('waiting'),
  signal: new AbortController().signal,
}
await withLock(layout, 'k', wait, async () => {
  console.log(`locked ${performance.timeOrigin + performance.now()}`)
  await new Promise((resolve) => setTimeout(resolve, 2 ** 30))
})
