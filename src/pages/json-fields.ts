/** The fields of a parsed JSON value: none where it is no record, so that what is looked for is just not there. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
