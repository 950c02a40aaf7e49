import { expect, test } from 'vitest'
import { imageProviders, defineProvider } from '../../src/providers/index.js'
import { parseRequest, requestKey } from '../../src/request/request.js'
import { addProviders, formatProviders } from '../../src/run/provider-text.js'

const acme = defineProvider({
  name: 'acme',
  versionsUrl: 'https://images.example.org/acme/',
  imagesUrl: 'https://images.example.org/acme/{version}/',
  imagePattern: /^acme-(?<version>\d+)\.qcow2$/i,
  archNames: { x86_64: 'x86_64' },
})

test('a provider survives the way through text, its regular expressions included', () => {
  addProviders(formatProviders([acme]))
  expect(imageProviders.find('acme')).toEqual(acme)
})

test('a request by its name then means the same image as one with the provider itself', () => {
  addProviders(formatProviders([acme]))
  const byName = requestKey(parseRequest('acme'), 'x86_64')
  expect(byName).toBe(requestKey(parseRequest({ provider: acme }), 'x86_64'))
})
