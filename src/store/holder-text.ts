/** A holder in words. */
import type { Holder } from './holders.js'

/** `process 1234 since 20:13 (project /home/me/app, test "boots.test.ts > boots")` */
export function holderText(holder: Holder, now: number): string {
  switch (holder.kind) {
    case 'process': {
      const { process, since, project, tests } = holder
      const about = [
        ...(project === undefined ? [] : [`project ${project}`]),
        ...tests.map((test) => `test "${test}"`),
      ]
      const started = since === undefined ? '' : ` since ${timeText(since, now)}`
      return `${process}${started}${about.length > 0 ? ` (${about.join(', ')})` : ''}`
    }
    case 'kept':
      return `kept disk${holder.test === undefined ? '' : ` of "${holder.test}"`}, ${holder.path}`
    case 'dead':
      return `a dead run whose directory could not be removed, ${holder.path}`
    case 'links':
      return `${holder.count === 1 ? 'a hard link' : `${holder.count} hard links`} that no run made (find them: find / -samefile)`
  }
}

/** For a column: `process 1234`, `kept disk`. */
export function holderName(holder: Holder): string {
  if (holder.kind === 'process') return holder.process
  return { kept: 'kept disk', dead: 'dead run', links: 'hard link' }[holder.kind]
}

/** The time of day; before today the day as well. */
function timeText(since: string, now: number): string {
  const [then, today] = [new Date(since), new Date(now)]
  const time = `${pad(then.getHours())}:${pad(then.getMinutes())}`
  if (then.toDateString() === today.toDateString()) return time
  return `${then.getFullYear()}-${pad(then.getMonth() + 1)}-${pad(then.getDate())} ${time}`
}

function pad(number: number): string {
  return String(number).padStart(2, '0')
}
