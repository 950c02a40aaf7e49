import { defineConfig } from 'vitest/config'
import { vmImages } from 'vmimage/vitest/plugin'

const listed = process.env['LISTED']

export default defineConfig({
  plugins: [vmImages(listed === undefined ? {} : { images: listed.split(' ').filter(Boolean) })],
})
