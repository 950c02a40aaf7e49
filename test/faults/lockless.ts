/**
 * For `node --import`: the lock becomes a no-op. Every call of proper-lockfile succeeds at once, so that nobody ever
 * waits for anybody. From outside: nothing in the package knows of it.
 */
import { register } from 'node:module'

const lock = 'export const lock = async () => async () => {}'
const hooks = `
  export async function resolve(specifier, context, next) {
    if (specifier !== 'proper-lockfile') return next(specifier, context)
    return { url: ${JSON.stringify(`data:text/javascript,${lock}`)}, shortCircuit: true }
  }`

register(`data:text/javascript,${encodeURIComponent(hooks)}`)
