/** In a file of its own, because Vite looks for what a file imports before it runs, and Vitest 5 has no such entry. */
export { getCurrentTest } from 'vitest/suite'
