import { defineConfig } from 'vitest/config'
import { vmImages } from 'vmimage/vitest/plugin'

const { IMAGE = '', UNLISTED } = process.env

export default defineConfig({ plugins: [vmImages({ images: UNLISTED === 'yes' ? [] : [IMAGE] })] })
