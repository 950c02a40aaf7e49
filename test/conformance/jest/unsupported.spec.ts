/** The one promise to Jest before 30: a clear refusal. */
import { test } from '@jest/globals'
import { refusal } from './disks.js'
import { observe } from './observe.js'

test('asks for a disk', async () => observe('Jest before 30: refused', await refusal()))
