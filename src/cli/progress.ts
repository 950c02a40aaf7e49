/**
 * Progress on standard error: a bar with rate and time left where a person watches, whole lines where the output is
 * a file or a CI log.
 */
import type { WriteStream } from 'node:tty'
import { Presets, SingleBar } from 'cli-progress'
import {
  isMoving,
  type MovingEvent,
  paceTexts,
  progressBytes,
  progressText,
  progressTitle,
  sizeText,
} from '../progress-text.js'
import type { Report } from '../report.js'

export interface Progress extends Disposable {
  readonly report: Report
}

/** At most one line in this time while bytes move, so that a log stays readable. */
const lineEveryMs = 5_000
const barWidth = 24

/** @param explain whether each step on the way to an image is shown too. */
export function openProgress(stream: WriteStream, explain = false): Progress {
  const progress = stream.isTTY ? openBar(stream) : openLines(stream)
  return {
    report: (event) => {
      if (event.type !== 'step' || explain) progress.report(event)
    },
    [Symbol.dispose]: () => progress[Symbol.dispose](),
  }
}

function openBar(stream: WriteStream): Progress {
  let bar: { readonly of: string; readonly bar: SingleBar } | undefined
  const stop = () => {
    bar?.bar.stop()
    bar = undefined
  }
  const move = (event: MovingEvent) => {
    const { done, total } = progressBytes(event)
    const of = `${event.type} ${event.name}`
    if (bar?.of !== of) {
      stop()
      bar = { of, bar: makeBar(stream, done) }
      bar.bar.start(total ?? done, done, payloadOf(event))
    }
    // A server may tell the size with its answer, after the bar was begun.
    bar.bar.setTotal(total ?? done)
    bar.bar.update(done, payloadOf(event))
  }
  return {
    report: (event) => {
      if (isMoving(event)) return move(event)
      stop()
      stream.write(`${progressText(event)}\n`)
    },
    [Symbol.dispose]: stop,
  }
}

interface Payload {
  readonly title: string
  readonly hasTotal: boolean
  /** Where the event tells it; else it is measured from when the bar began. */
  readonly bytesPerSecond: number | undefined
}

function payloadOf(event: MovingEvent): Payload {
  return {
    title: progressTitle(event),
    hasTotal: progressBytes(event).total !== undefined,
    bytesPerSecond: event.type === 'waiting' ? event.bytesPerSecond : undefined,
  }
}

/** @param startBytes what was there before the bar began, and says nothing about the rate. */
function makeBar(stream: WriteStream, startBytes: number): SingleBar {
  const started = performance.now()
  return new SingleBar(
    {
      stream,
      hideCursor: true,
      clearOnComplete: true,
      fps: 10,
      format: (options, { value, total, progress }, { title, hasTotal, bytesPerSecond }: Payload) => {
        const seconds = Math.max((performance.now() - started) / 1000, 0.1)
        const pace = paceTexts(
          bytesPerSecond ?? (value - startBytes) / seconds,
          hasTotal ? total - value : undefined,
        ).join('  ')
        if (!hasTotal) return `${title}  ${sizeText(value)}  ${pace}`
        const filled = Math.round(progress * barWidth)
        const picture = (options.barCompleteString ?? '')
          .slice(0, filled)
          .padEnd(barWidth, options.barIncompleteChar)
        const done = `${Math.floor(progress * 100)}%  ${sizeText(value)} of ${sizeText(total)}`
        return `${title}  ${picture}  ${done}  ${pace}`
      },
    },
    Presets.shades_classic,
  )
}

function openLines(stream: WriteStream): Progress {
  let last = { of: '', at: -Infinity }
  return {
    report: (event) => {
      if (!isMoving(event)) {
        stream.write(`${progressText(event)}\n`)
        return
      }
      const of = `${event.type} ${event.name}`
      if (last.of === of && performance.now() - last.at < lineEveryMs) return
      last = { of, at: performance.now() }
      stream.write(`${progressText(event)}\n`)
    },
    [Symbol.dispose]: () => undefined,
  }
}
