/**
 * What vmimage tells while it works. The library never prints: whoever shows things to people (the command line, the
 * adapters) passes a function that gets these records, in the order in which they happen.
 */
export type ReportEvent =
  /** The publisher's listings are about to be read. */
  | { readonly type: 'resolving'; readonly name: string }
  /** What was found at an address on the way to an image; for those who want each step explained. */
  | { readonly type: 'step'; readonly url: string; readonly found: string }
  /** A request became one exact file. `digest` is undefined where the publisher gives none. */
  | {
      readonly type: 'resolved'
      readonly name: string
      readonly url: string
      readonly digest: string | undefined
    }
  /** Bytes of a download that are on disk so far; the first event comes before the first byte. */
  | {
      readonly type: 'downloading'
      readonly name: string
      readonly url: string
      readonly receivedBytes: number
      readonly totalBytes: number | undefined
    }
  /** Compressed bytes that are unpacked so far. */
  | {
      readonly type: 'unpacking'
      readonly name: string
      readonly readBytes: number
      readonly totalBytes: number
    }
  /** Bytes of a file on this machine that are hashed so far. */
  | {
      readonly type: 'hashing'
      readonly name: string
      readonly readBytes: number
      readonly totalBytes: number
    }
  /** Another process is downloading the same image, and this one waits for it. */
  | {
      readonly type: 'waiting'
      readonly name: string
      /** The process that is waited for, as people know it: `process 1234`. */
      readonly holder: string
      readonly receivedBytes: number
      readonly totalBytes: number | undefined
      /** Of the last seconds; undefined when this process has not waited long enough to tell. */
      readonly bytesPerSecond: number | undefined
    }
  /** The image is in the cache, complete and verified. */
  | { readonly type: 'published'; readonly name: string; readonly path: string }
  /** Base images that nobody uses were removed to stay within the limits of the cache: their titles. */
  | { readonly type: 'collected'; readonly images: readonly string[]; readonly freedBytes: number }
  /** Something is not as it should be, and the work went on: a weak digest, a stale answer, a mirror that failed. */
  | { readonly type: 'warning'; readonly message: string }

export type Report = (event: ReportEvent) => void
