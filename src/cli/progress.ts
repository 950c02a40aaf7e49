/**
 * Progress on standard error: a bar with rate and time left where a person watches, whole lines where the output is
 * a file or a CI log.
 */
import type { WriteStream } from 'node:tty'
import { Presets, SingleBar } from 'cli-progress'
import {
  isMoving,
  type MovingEvent,
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
      bar = { of, bar: makeBar(stream) }
      bar.bar.start(total ?? done, done, { title: progressTitle(event), hasTotal: total !== undefined })
    }
    // A server may tell the size with its answer, after the bar was begun.
    bar.bar.setTotal(total ?? done)
    bar.bar.update(done, { title: progressTitle(event), hasTotal: total !== undefined })
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

function makeBar(stream: WriteStream): SingleBar {
  const started = performance.now()
  return new SingleBar(
    {
      stream,
      hideCursor: true,
      clearOnComplete: true,
      fps: 10,
      format: (options, params, payload: { readonly title: string; readonly hasTotal: boolean }) => {
        const { value, total, progress, eta } = params
        const rate = `${sizeText(value / Math.max((performance.now() - started) / 1000, 0.1))}/s`
        if (!payload.hasTotal) return `${payload.title}  ${sizeText(value)}  ${rate}`
        const filled = Math.round(progress * barWidth)
        const picture = (options.barCompleteString ?? '')
          .slice(0, filled)
          .padEnd(barWidth, options.barIncompleteChar)
        const left = Number.isFinite(eta) ? `${Math.ceil(eta)} s left` : ''
        const done = `${Math.floor(progress * 100)}%  ${sizeText(value)} of ${sizeText(total)}`
        return `${payload.title}  ${picture}  ${done}  ${rate}  ${left}`
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
