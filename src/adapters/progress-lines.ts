/**
 * Progress under a test reporter: whole lines, few of them. Reporters own the terminal and pass on what others print
 * about once a second, so a bar that redraws itself would come out as one burst.
 */
import type { Report, ReportEvent } from '../report.js'

/** A cache hit or a small file should print nothing at all. */
const firstLineMs = 2000
const betweenLinesMs = 5000

interface Line {
  readonly startedAt: number
  printedAt: number | undefined
}

/**
 * A `report` that hands lines to `print`: for each image the first after 2 s of work, then at most one every 5 s, and
 * one at the end when there were others. Warnings at once.
 *
 * @param now milliseconds on a clock that does not jump.
 */
export function progressLines(
  print: (line: string) => void,
  now: () => number = () => performance.now(),
): Report {
  const lines = new Map<string, Line>()
  return (event) => {
    if (event.type === 'warning') return print(`vmimage: ${event.message}`)
    const line = lines.get(event.name) ?? { startedAt: now(), printedAt: undefined }
    lines.set(event.name, line)
    const isDue =
      event.type === 'published'
        ? line.printedAt !== undefined
        : now() - line.startedAt >= firstLineMs && now() - (line.printedAt ?? -Infinity) >= betweenLinesMs
    if (!isDue) return
    line.printedAt = now()
    print(`vmimage: ${event.name}: ${stepText(event)}`)
  }
}

function stepText(event: Exclude<ReportEvent, { type: 'warning' }>): string {
  switch (event.type) {
    case 'resolving':
      return 'asking the publisher'
    case 'resolved':
      return `found ${event.url}`
    case 'downloading':
      return `downloading, ${amount(event.receivedBytes, event.totalBytes)}`
    case 'unpacking':
      return `unpacking, ${amount(event.readBytes, event.totalBytes)}`
    case 'waiting':
      return `waiting for ${event.holder}, which downloads it: ${amount(event.receivedBytes, event.totalBytes)}`
    case 'published':
    default:
      return 'ready'
  }
}

function amount(bytes: number, totalBytes: number | undefined): string {
  if (totalBytes === undefined) return `${megabytes(bytes)} MB`
  return `${megabytes(bytes)} of ${megabytes(totalBytes)} MB (${((100 * bytes) / totalBytes).toFixed(0)} %)`
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0)
}
