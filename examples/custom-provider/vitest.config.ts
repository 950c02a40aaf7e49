import { defineConfig } from 'vitest/config'
import { vmImages } from 'vmimage/vitest/plugin'
import { acme } from './acme.js'

export default defineConfig({
  plugins: [vmImages({ providers: [acme], images: ['acme', 'acme:1.9'] })],
})
