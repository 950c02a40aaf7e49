/** `npm run reliability`: writes the table of docs/reliability.md. */
import { readFileSync, writeFileSync } from 'node:fs'
import { withTable } from './reliability-table.js'
import { faultTests } from './titles.js'

const document = new URL('../../docs/reliability.md', import.meta.url)
writeFileSync(document, withTable(readFileSync(document, 'utf8'), faultTests()))
