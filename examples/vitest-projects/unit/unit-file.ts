/** The text of a systemd unit. */
export function unitFile(command: string): string {
  return `[Service]\nExecStart=${command}\nRestart=on-failure\n`
}
