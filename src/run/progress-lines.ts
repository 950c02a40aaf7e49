/**
 * Progress under a test reporter: whole lines, few of them. Reporters own the terminal and pass on what others print
 * about once a second, so a bar that redraws itself would come out as one burst.
 */
import { progressText } from '../progress-text.js'
import type { Report } from '../report.js'

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
    if (event.type === 'step') return
    const text = `vmimage: ${progressText(event)}`
    if (event.type === 'warning' || event.type === 'collected') return print(text)
    const line = lines.get(event.name) ?? { startedAt: now(), printedAt: undefined }
    lines.set(event.name, line)
    const isDue =
      event.type === 'published'
        ? line.printedAt !== undefined
        : now() - line.startedAt >= firstLineMs && now() - (line.printedAt ?? -Infinity) >= betweenLinesMs
    if (!isDue) return
    line.printedAt = now()
    print(text)
  }
}
