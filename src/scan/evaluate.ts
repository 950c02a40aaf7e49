/** evaluate: what an expression is, as far as its source tells. Calls nothing, and does not fail: the rest is unread. */
import { findName, innerScope, type Scope } from './scope.js'
import { isOfVmImage, isRelative, specifierOf } from './specifier.js'
import { isFunction, type Node, type NodeOf } from './syntax.js'
import {
  type Alternatives,
  arrayOf,
  combine,
  either,
  elementsOf,
  literal,
  memberOf,
  textOf,
  unread,
  unreadable,
  type Value,
} from './value.js'

export function evaluate(node: Node, scope: Scope): Alternatives {
  switch (node.type) {
    case 'StringLiteral':
    case 'NumericLiteral':
    case 'BooleanLiteral':
      return [literal(node.value)]
    case 'NullLiteral':
      return [literal(null)]
    case 'RegExpLiteral':
      return [regExpOf(node)]
    case 'TemplateLiteral':
      return template(node, scope)
    case 'Identifier':
      return findName(scope, node.name) ?? (node.name === 'undefined' ? [literal(undefined)] : unreadable)
    case 'ArrayExpression':
      return array(node, scope)
    case 'ObjectExpression':
      return record(node, scope)
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
    case 'TSNonNullExpression':
    case 'TSTypeAssertion':
    case 'TypeCastExpression':
    case 'ParenthesizedExpression':
      return evaluate(node.expression, scope)
    case 'AwaitExpression':
      return evaluate(node.argument, scope)
    case 'SequenceExpression':
      return node.expressions.slice(-1).flatMap((last) => evaluate(last, scope))
    case 'ConditionalExpression':
      return either(evaluate(node.consequent, scope), evaluate(node.alternate, scope))
    case 'LogicalExpression':
      return either(evaluate(node.left, scope), evaluate(node.right, scope))
    case 'BinaryExpression':
      return node.operator === '+'
        ? combine([evaluate(node.left, scope), evaluate(node.right, scope)], sum)
        : unreadable
    case 'MemberExpression':
    case 'OptionalMemberExpression':
      return combine([evaluate(node.object, scope), keyOf(node.property, node.computed, scope)], member)
    case 'CallExpression':
      return call(node, scope)
    default:
      return unreadable
  }
}

/** Gives the names of a pattern, as in `({ image, size = '20G' }) =>`, what they stand for. */
export function bind(pattern: Node, values: () => Alternatives, scope: Scope): void {
  switch (pattern.type) {
    case 'Identifier':
      scope.names.set(pattern.name, () => unlessChanged(pattern.name, values(), scope))
      return
    case 'AssignmentPattern':
      bind(pattern.left, () => orDefault(values(), pattern.right, scope), scope)
      return
    case 'TSParameterProperty':
      bind(pattern.parameter, values, scope)
      return
    case 'RestElement':
      bind(pattern.argument, () => unreadable, scope)
      return
    case 'ArrayPattern':
      pattern.elements.forEach((element, index) => {
        if (element) bind(element, () => values().map((value) => memberOf(value, literal(index))), scope)
      })
      return
    case 'ObjectPattern':
      for (const property of pattern.properties) {
        if (property.type === 'RestElement') bind(property, values, scope)
        else {
          const { key, computed, value } = property
          bind(value, () => combine([values(), keyOf(key, computed, scope)], member), scope)
        }
      }
      return
    default: // `[images.first] = ...` declares nothing
  }
}

function unlessChanged(name: string, values: Alternatives, { file }: Scope): Alternatives {
  const canChange = values.some(({ kind }) => kind === 'array' || kind === 'record')
  return canChange && file.changed().has(name) ? unreadable : values
}

function orDefault(values: Alternatives, fallback: Node, scope: Scope): Alternatives {
  return either(
    ...values.map((value) => {
      if (value.kind === 'unread') return either(evaluate(fallback, scope), [value])
      const isMissing = value.kind === 'literal' && value.value === undefined
      return isMissing ? evaluate(fallback, scope) : [value]
    }),
  )
}

function keyOf(key: Node, isComputed: boolean | null | undefined, scope: Scope): Alternatives {
  return !isComputed && key.type === 'Identifier' ? [literal(key.name)] : evaluate(key, scope)
}

function member([owner = unread, key = unread]: readonly Value[]): Value {
  return memberOf(owner, key)
}

function sum([left, right]: readonly Value[]): Value {
  if (left?.kind !== 'literal' || right?.kind !== 'literal') return unread
  if (typeof left.value === 'string' || typeof right.value === 'string') return textOf([left, right])
  return typeof left.value === 'number' && typeof right.value === 'number'
    ? literal(left.value + right.value)
    : unread
}

function regExpOf({ pattern, flags }: NodeOf<'RegExpLiteral'>): Value {
  try {
    return literal(new RegExp(pattern, flags))
  } catch {
    return unread // it is wrong, or too new for this Node: a SyntaxError either way
  }
}

function template({ quasis, expressions }: NodeOf<'TemplateLiteral'>, scope: Scope): Alternatives {
  const parts = quasis.flatMap(({ value }, index) => {
    const expression = expressions[index]
    const text = value.cooked == null ? unread : literal(value.cooked)
    return expression ? [[text], evaluate(expression, scope)] : [[text]]
  })
  return combine(parts, textOf)
}

function array({ elements }: NodeOf<'ArrayExpression'>, scope: Scope): Alternatives {
  const parts = elements.map((element): Alternatives => {
    if (element?.type !== 'SpreadElement') return element ? evaluate(element, scope) : [literal(undefined)]
    return evaluate(element.argument, scope).map((value) =>
      value.kind === 'array' ? value : arrayOf([unread]),
    )
  })
  const isSpread = elements.map((element) => element?.type === 'SpreadElement')
  return combine(parts, (values) =>
    arrayOf(values.flatMap((value, index) => (isSpread[index] ? (elementsOf(value) ?? []) : [value]))),
  )
}

function record({ properties }: NodeOf<'ObjectExpression'>, scope: Scope): Alternatives {
  const parts = properties.flatMap((property): Alternatives[] => {
    if (property.type === 'SpreadElement') return [evaluate(property.argument, scope)]
    const key = keyOf(property.key, property.computed, scope)
    const value = property.type === 'ObjectProperty' ? evaluate(property.value, scope) : unreadable
    return [combine([key, value], ([name = unread, field = unread]) => oneField(name, field))]
  })
  return combine(parts, merged)
}

function oneField(name: Value, field: Value): Value {
  return name.kind === 'literal' ? { kind: 'record', fields: new Map([[String(name.value), field]]) } : unread
}

/** A record that nobody knows may hold every field. */
function merged(records: readonly Value[]): Value {
  const fields = new Map<string, Value>()
  for (const part of records) {
    if (part.kind !== 'record') return unread
    for (const [name, field] of part.fields) fields.set(name, field)
  }
  return { kind: 'record', fields }
}

function call(node: NodeOf<'CallExpression'>, scope: Scope): Alternatives {
  const specifier = specifierOf(node)
  if (specifier !== undefined && findName(scope, 'require') === undefined) return moduleOf(specifier)
  const { callee } = node
  const [argument] = node.arguments
  if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier' || !argument)
    return unreadable
  const method = callee.property.name
  if (callee.object.type === 'Identifier' && callee.object.name === 'Object') {
    return evaluate(argument, scope).map((value) => ofRecord(method, value))
  }
  if (method !== 'map') return unreadable
  return either(...evaluate(callee.object, scope).map((list) => mapped(list, argument, scope)))
}

export function moduleOf(specifier: string): Alternatives {
  return isOfVmImage(specifier) || isRelative(specifier) ? [{ kind: 'module' }] : unreadable
}

function ofRecord(method: string, value: Value): Value {
  if (method === 'freeze') return value
  if (value.kind !== 'record') return unread
  const entries = [...value.fields].map(([name, field]) => [literal(name), field] as const)
  if (method === 'keys') return arrayOf(entries.map(([name]) => name))
  if (method === 'values') return arrayOf(entries.map(([, field]) => field))
  return method === 'entries' ? arrayOf(entries.map((entry) => arrayOf(entry))) : unread
}

/** `versions.map((version) => ...)`, where the callback is one expression. */
function mapped(list: Value, callback: Node, scope: Scope): Alternatives {
  const elements = elementsOf(list)
  if (!elements || !isFunction(callback) || callback.body.type === 'BlockStatement') return unreadable
  const { body, params } = callback
  const results = elements.map((element, index): Alternatives => {
    if (scope.file.budget-- <= 0) return unreadable
    const inner = innerScope(scope)
    const given = [element, literal(index)]
    params.forEach((param, place) => bind(param, () => [given[place] ?? unread], inner))
    return evaluate(body, inner)
  })
  return combine(results, arrayOf)
}
