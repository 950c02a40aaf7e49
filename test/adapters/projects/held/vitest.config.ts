import { defineConfig } from 'vitest/config'
import { vmImages } from 'vmimage/vitest/plugin'

export default defineConfig({ plugins: [vmImages({ images: [String(process.env['IMAGE'])] })] })
