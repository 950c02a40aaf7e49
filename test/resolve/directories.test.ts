import { expect, test } from 'vitest'
import { parseVersionQuery } from '../../src/request/version-query.js'
import { directoriesFor } from '../../src/resolve/directories.js'

const facts = { codenames: { '9': 'nine' }, versionNames: {}, versionOrder: ['42.*'] }

test.each<[string | RegExp, readonly string[], readonly string[]]>([
  ['latest', ['9', '10', '9'], ['10', '9']],
  ['9', ['8', '9', '9.7', '90'], ['9']],
  ['nine', ['8', '9', '9.7'], ['9']],
  ['9.7', ['8', '9', '9.7', '90'], ['9.7']],
  ['9.7', ['8', '9', '9.7.1', '90'], ['9.7.1', '9']],
  ['>9 <10', ['8', '9', '9.1', '10'], ['9.1', '9']],
  ['>=9.2 <9.5', ['8', '9', '9.1', '9.3', '9.5', '10'], ['9.3', '9']],
  ['<=9', ['8', '9', '9.1'], ['9', '8']],
  ['latest', ['15.6', '42.3', '16.0'], ['16.0', '15.6', '42.3']],
  ['<15', ['15.6', '42.3', '16.0'], ['42.3']],
  ['>=42.2 <15.5', ['42.1', '42.3', '15', '16'], ['15', '42.3']],
  [/9/, ['8', '9', '9.7'], ['9']],
  [/9\.\d/, ['8', '9', '10'], ['10', '9', '8']],
])('for %s and the directories %j, looks into %j', (version, directories, expected) => {
  expect(directoriesFor(parseVersionQuery(version), directories, facts)).toEqual(expected)
})
