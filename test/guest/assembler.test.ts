import { expect, test } from 'vitest'
import { assemble, call, jump, label, text, withAddress } from '../../fixtures/images/assembler.js'

test('assemble() reckons addresses from the origin and jumps from the end of the instruction', () => {
  const code = assemble(0x7c00, [
    label('start'),
    withAddress([0xbe], 'words'),
    jump(0xeb, 'words'),
    call('start'),
    label('words'),
    text('ab'),
  ])
  expect(code.toString('hex')).toBe('be087ceb03e8f8ff616200')
})

test('assemble() takes no place without a name and no jump that is too far', () => {
  expect(() => assemble(0, [call('nowhere')])).toThrow(TypeError)
  expect(() =>
    assemble(0, [label('start'), Array.from({ length: 126 }, () => 0x90), jump(0xeb, 'start')]),
  ).not.toThrow()
  expect(() =>
    assemble(0, [label('start'), Array.from({ length: 127 }, () => 0x90), jump(0xeb, 'start')]),
  ).toThrow(RangeError)
})
