import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { addToError } from '../../src/adapters/kept-line.js'

const line = 'vm image "fedora 44" kept: /kept/a'

describe('addToError()', () => {
  test('adds a line to the message and to the stack, and leaves the place in the code', () => {
    const error = new Error('1 is not 2')
    addToError(error, line)
    expect(error.message).toBe(`1 is not 2\n\n${line}`)
    expect(error.stack).toMatch(/^Error: 1 is not 2\n\nvm image "fedora 44" kept: \/kept\/a\n +at /)
  })

  test('puts the line behind the name of an error without a message', () => {
    const error = new TypeError('')
    addToError(error, line)
    expect(error.message).toBe(line)
    expect(error.stack).toMatch(/^TypeError: vm image "fedora 44" kept: \/kept\/a\n +at /)
  })

  test('is shown of a DOMException, whose message is a getter', () => {
    const error = new DOMException('it was aborted', 'AbortError')
    addToError(error, line)
    expect(error.message).toBe(`it was aborted\n\n${line}`)
    expect(inspect(error)).toContain(line)
  })

  test('leaves a frozen error as it is', () => {
    const error = Object.freeze(new Error('frozen'))
    addToError(error, line)
    expect(error.message).toBe('frozen')
  })

  test('leaves an error whose message refuses to change as it is', () => {
    const error = {
      get message() {
        return 'mine'
      },
      set message(_) {
        throw new TypeError('not yours')
      },
    }
    addToError(error, line)
    expect(error.message).toBe('mine')
  })

  test('hides no other failure of a setter', () => {
    const error = {
      get message() {
        return 'mine'
      },
      set message(_) {
        throw new RangeError('broken')
      },
    }
    expect(() => addToError(error, line)).toThrow('broken')
  })

  test.each([undefined, null, 'a text', 7, { message: 7 }])('takes %o, which has no message', (thrown) => {
    expect(() => addToError(thrown, line)).not.toThrow()
  })
})
