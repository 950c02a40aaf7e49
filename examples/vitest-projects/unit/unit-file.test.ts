import { expect, test } from 'vitest'
import { unitFile } from './unit-file.js'

test('a unit starts its command again when it fails', () => {
  expect(unitFile('/usr/bin/agent')).toContain('Restart=on-failure')
})
