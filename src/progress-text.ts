/** Progress in words: one wording for the command line and the test runners, in binary units. */
import type { ReportEvent } from './report.js'

/** Events that come again and again while bytes move; a reader wants some of them, not all. */
export type MovingEvent = Extract<ReportEvent, { type: 'downloading' | 'unpacking' | 'hashing' | 'waiting' }>

export function isMoving(event: ReportEvent): event is MovingEvent {
  return ['downloading', 'unpacking', 'hashing', 'waiting'].includes(event.type)
}

/** What happens, without figures: `downloading Fedora 44`. */
export function progressTitle(event: MovingEvent): string {
  if (event.type === 'waiting') return `waiting for ${event.holder}, which downloads ${event.name}`
  return `${event.type} ${event.name}`
}

export function progressBytes(event: MovingEvent): {
  readonly done: number
  readonly total: number | undefined
} {
  if (event.type === 'unpacking' || event.type === 'hashing') {
    return { done: event.readBytes, total: event.totalBytes }
  }
  return { done: event.receivedBytes, total: event.totalBytes }
}

/** How fast it goes and how long it takes: `3.2 MiB/s`, `170 s left`. Nothing is said of the time where nobody can tell. */
export function paceTexts(bytesPerSecond: number, leftBytes: number | undefined): readonly string[] {
  const rate = `${sizeText(Math.max(bytesPerSecond, 0))}/s`
  if (leftBytes === undefined || bytesPerSecond <= 0) return [rate]
  const seconds = Math.ceil(Math.max(leftBytes, 0) / bytesPerSecond)
  return [rate, `${seconds < 600 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`} left`]
}

/** One whole line for any event: `downloading Fedora 44: 12 MiB of 557 MiB`. */
export function progressText(event: ReportEvent): string {
  switch (event.type) {
    case 'resolving':
      return `looking for ${event.name}`
    case 'step':
      return `${event.url}: ${event.found}`
    case 'resolved':
      return `${event.name} is ${event.url}`
    case 'published':
      return `${event.name} is in the cache`
    case 'collected': {
      const { images, freedBytes } = event
      return `removed ${images.length === 1 ? 'a base image' : `${images.length} base images`} that nobody uses (${images.join(', ')}), ${sizeText(freedBytes)} are free`
    }
    case 'warning':
      return `warning: ${event.message}`
    case 'downloading':
    case 'unpacking':
    case 'hashing':
    case 'waiting': {
      const { done, total } = progressBytes(event)
      const bytes = `${sizeText(done)}${total === undefined ? '' : ` of ${sizeText(total)}`}`
      const rate = event.type === 'waiting' ? event.bytesPerSecond : undefined
      const pace = rate === undefined ? [] : paceTexts(rate, total && total - done)
      return `${progressTitle(event)}: ${[bytes, ...pace].join(', ')}`
    }
  }
}

/** `557 MiB`: three digits. */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1)
  return `${Number((bytes / 1024 ** power).toPrecision(3))} ${units[power]}`
}
