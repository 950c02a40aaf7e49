import { expect, test } from 'vitest'
import { parseVersionQuery } from '../../src/request/version-query.js'
import { directoriesFor } from '../../src/resolve/directories.js'

test.each<[string | RegExp, readonly string[], readonly string[]]>([
  ['latest', ['9', '10', '9'], ['10', '9']],
  ['9', ['8', '9', '9.7', '90'], ['9']],
  ['nine', ['8', '9', '9.7'], ['9']],
  ['9.7', ['8', '9', '9.7', '90'], ['9.7']],
  ['9.7', ['8', '9', '9.7.1', '90'], ['9.7.1', '9']],
  ['>9 <10', ['8', '9', '9.1', '10'], ['9.1', '9']],
  ['>=9.2 <9.5', ['8', '9', '9.1', '9.3', '9.5', '10'], ['9.3', '9']],
  ['<=9', ['8', '9', '9.1'], ['9', '8']],
  [/9/, ['8', '9', '9.7'], ['9']],
  [/9\.\d/, ['8', '9', '10'], ['10', '9', '8']],
])('for %s and the directories %j, looks into %j', (version, directories, expected) => {
  expect(directoriesFor(parseVersionQuery(version), directories, { '9': 'nine' })).toEqual(expected)
})
