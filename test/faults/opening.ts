/** Code for another process, user or namespace that opens images of a publisher of the tests. */
import type { Options } from '../../src/options.js'
import type { Publisher } from '../support/publisher.js'

/**
 * Makes `acme`, `options`, `openVmImage()`, `layout` and `failure(promise)`, which is the code of its error and the first line of
 * it. All that would be loaded later is loaded here: another user may not read the sources.
 */
export function openingCode(publisher: Publisher, more: Options = {}): string {
  const options = { ...publisher.options, ...more }
  return `
    const { openVmImage } = await source('image/open.ts')
    const { acme } = await source('../test/support/publisher.ts')
    const { cacheLayout } = await source('store/layout.ts')
    for (const file of ['image/fetch-base-image.ts', 'image/heal-image.ts', 'store/lock.ts']) await source(file)
    for (const name of ['undici', 'proper-lockfile']) await import(name)
    const options = ${JSON.stringify(options)}
    const layout = cacheLayout(options.cacheDir, options.shared)
    const failure = (promise) => promise.then(
      () => 'none',
      (error) => error.code + ' ' + error.name + ' ' + error.message.replaceAll('\\n', ' '),
    )`
}
