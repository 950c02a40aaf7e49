/** An address without what stands before its @: what the doctor says is pasted into reports of bugs. */
export function withoutPassword(url: string): string {
  return url.replace(/^([a-z][a-z\d+.-]*:\/\/)?[^/@]*@/i, '$1***@')
}
