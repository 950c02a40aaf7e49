/** The options of a command that may be bound to the pins of the project. */
export const freezing = {
  '--frozen':
    'use what is pinned and nothing else (VMIMAGE_FROZEN; default where CI is set and there are pins)',
  '--no-frozen': 'resolve what is not pinned, also in CI',
} as const
