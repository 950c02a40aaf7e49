/** changedNames: constants whose array or record is changed after it was made, so that its source does not tell what it holds. */
import { childrenOf, type Node } from './syntax.js'

const changingMethods = /^(?:push|unshift|splice|pop|shift|fill|copyWithin)$/

/** By name alone, whichever block it is in: one too many is only read less. */
export function changedNames(program: Node): ReadonlySet<string> {
  const changed = new Set<string>()
  const visit = (node: Node): void => {
    const name = changedName(node)
    if (name !== undefined) changed.add(name)
    for (const child of childrenOf(node)) visit(child)
  }
  visit(program)
  return changed
}

function changedName(node: Node): string | undefined {
  if (node.type === 'AssignmentExpression') return ownerOf(node.left)
  if (node.type === 'UnaryExpression' && node.operator === 'delete') return ownerOf(node.argument)
  if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return undefined
  const { property } = node.callee
  const isChange = property.type === 'Identifier' && changingMethods.test(property.name)
  if (isChange) return ownerOf(node.callee)
  const isAssign = property.type === 'Identifier' && property.name === 'assign'
  const [target] = node.arguments
  return isAssign && target?.type === 'Identifier' ? target.name : undefined
}

/** `images` of `images.fedora.version`. */
function ownerOf(node: Node): string | undefined {
  if (node.type !== 'MemberExpression') return undefined
  let owner: Node = node
  while (owner.type === 'MemberExpression' || owner.type === 'TSNonNullExpression') {
    owner = owner.type === 'MemberExpression' ? owner.object : owner.expression
  }
  return owner.type === 'Identifier' ? owner.name : undefined
}
