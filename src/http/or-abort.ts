/**
 * orAbort: a wait that an abort ends at once. undici heeds the signal of a request only once it is connected (seen in
 * 7.30), and an address may swallow all packets.
 */

/** What `asking` gives, or the reason of `signal`, whichever comes first. What comes second has no effect. */
export async function orAbort<T>(asking: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const onAbort = () => {
      try {
        signal.throwIfAborted()
      } catch (error) {
        reject(error)
      }
    }
    signal.addEventListener('abort', onAbort, { once: true })
    asking.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
    onAbort()
  })
}
