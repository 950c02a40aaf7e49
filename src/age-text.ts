/** How long ago something was, for people: one number, rounded down. */
export function ageText(ms: number): string {
  const units = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1000],
  ] as const
  // A day is not yet "1 day": 36 hours say more.
  const [name, unitMs] = units.find(([, each]) => ms >= 2 * each) ?? units[3]
  const count = Math.max(0, Math.floor(ms / unitMs))
  return `${count} ${name}${count === 1 ? '' : 's'}`
}
