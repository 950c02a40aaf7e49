/** Tests in a project whose setupFiles have imported the adapter too early. */
import { test } from '@jest/globals'
import { openDisks, refusal } from './disks.js'
import { observe } from './observe.js'

test('asks first', async () => observe('setupFiles: the first test is refused', await refusal()))
test('comes next', async () => observe('setupFiles: the next test has its disk', (await openDisks()).look()))
