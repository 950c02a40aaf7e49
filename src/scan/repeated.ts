/** repeated: functions that are called once for each element of a list, and with what: `test.each`, `.forEach`, ... */
import { evaluate } from './evaluate.js'
import type { Scope } from './scope.js'
import { type CallNode, type FunctionNode, isFunction, type Node, type NodeOf } from './syntax.js'
import { type Alternatives, combine, elementsOf, literal, unread, type Value } from './value.js'

export interface Repeated {
  readonly callback: FunctionNode
  /** The arguments of each call; undefined: nobody knows. */
  readonly rows: readonly (readonly Value[] | undefined)[]
}

const iterating = /^(?:forEach|map|flatMap|filter|find|findLast|some|every)$/

/** What a call repeats: undefined, when it is no such call. */
export function repeatedBy({ callee, arguments: given }: CallNode, scope: Scope): Repeated | undefined {
  const callback = given.findLast((argument) => isFunction(argument))
  if (!isFunction(callback)) return undefined
  const list = iteratedList(callee)
  if (list) {
    return { callback, rows: rowsOf(evaluate(list, scope), (value, index) => [value, literal(index)]) }
  }
  if (callee.type === 'TaggedTemplateExpression' && isEach(callee.tag)) {
    return { callback, rows: rowsOf(table(callee.quasi, scope), (value) => [value]) }
  }
  if (callee.type !== 'CallExpression' || !isEach(callee.callee)) return undefined
  const [rows] = callee.arguments
  // `each` spreads a row that is an array; `for`, of Vitest, does not, and hands on the context.
  const argumentsOf =
    nameOf(callee.callee) === 'for'
      ? (row: Value): readonly Value[] => [row, { kind: 'context' }]
      : (row: Value) => elementsOf(row) ?? [row]
  return { callback, rows: rows ? rowsOf(evaluate(rows, scope), argumentsOf) : [undefined] }
}

/** The list of `list.map(callback)` and its like; undefined, when it is no such call. */
export function iteratedList(callee: Node): Node | undefined {
  const isMember = callee.type === 'MemberExpression' || callee.type === 'OptionalMemberExpression'
  return isMember && iterating.test(nameOf(callee)) ? callee.object : undefined
}

function rowsOf(
  lists: Alternatives,
  argumentsOf: (element: Value, index: number) => readonly Value[],
): Repeated['rows'] {
  return lists.flatMap((list): Repeated['rows'] => elementsOf(list)?.map(argumentsOf) ?? [undefined])
}

/** `test.each`, `it.concurrent.each`, `describe.for` and the like. */
function isEach(node: Node): boolean {
  return node.type === 'MemberExpression' && ['each', 'for'].includes(nameOf(node))
}

function nameOf(node: Node): string {
  const isMember = node.type === 'MemberExpression' || node.type === 'OptionalMemberExpression'
  return isMember && !node.computed && node.property.type === 'Identifier' ? node.property.name : ''
}

/** The rows of a table in a template: names between bars in its first line, then a value for each of them. */
function table({ quasis, expressions }: NodeOf<'TemplateLiteral'>, scope: Scope): Alternatives {
  const names = (quasis[0]?.value.raw.trim() ?? '').split('|').map((name) => name.trim())
  const values = expressions.map((expression) => evaluate(expression, scope))
  return combine(values, (cells) => {
    const rows = Array.from({ length: Math.floor(cells.length / names.length) }, (_, row): Value => {
      const fields = names.map(
        (name, column) => [name, cells[row * names.length + column] ?? unread] as const,
      )
      return { kind: 'record', fields: new Map(fields) }
    })
    return { kind: 'array', elements: rows }
  })
}
