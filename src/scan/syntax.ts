/**
 * Source text as a tree. Babel's parser reads all that test files are written in (TypeScript, JSX, decorators) and has
 * no native part. Its version 7, as 8 does not run on Node 20.
 */
import { parse, type ParserPlugin } from '@babel/parser'
import type { Node as BabelNode } from '@babel/types'

export type Node = BabelNode
export type NodeOf<Type extends Node['type']> = Extract<Node, { type: Type }>
export type FunctionNode = NodeOf<(typeof functionTypes)[number]>
export type CallNode = NodeOf<'CallExpression' | 'OptionalCallExpression'>

const functionTypes = [
  'ArrowFunctionExpression',
  'FunctionExpression',
  'FunctionDeclaration',
  'ObjectMethod',
  'ClassMethod',
  'ClassPrivateMethod',
] as const
const areFunctions: ReadonlySet<string> = new Set(functionTypes)

/** Why a text is no source: `line` is where. */
export interface SyntaxProblem {
  readonly line: number
  readonly message: string
}

/** Reads a text as its file name says: `.ts`, `.tsx`, `.jsx`, ... Never throws. */
export function parseCode(
  code: string,
  fileName: string,
): { readonly program: NodeOf<'Program'> } | { readonly problem: SyntaxProblem } {
  try {
    const { program } = parse(code, {
      sourceType: 'unambiguous',
      plugins: pluginsFor(fileName),
      // What is wrong in its meaning only, as a name declared twice, keeps nobody from finding the calls.
      errorRecovery: true,
      allowAwaitOutsideFunction: true,
      allowReturnOutsideFunction: true,
      attachComment: false,
    })
    return { program }
  } catch (error) {
    // Whatever is thrown, the text is at fault: a SyntaxError has its place, a RangeError is nested too deeply.
    const message = error instanceof Error ? error.message : String(error)
    return { problem: { line: lineOf(error), message } }
  }
}

/** The nodes right below, in the order of the source. Called for every node of every file: a plain loop is twice as fast. */
export function childrenOf(node: Node): readonly Node[] {
  const children: Node[] = []
  for (const key in node) {
    const value: unknown = node[key as keyof Node] // a key of this node
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) children.push(item)
    } else if (isNode(value)) children.push(value)
  }
  return children
}

export function isFunction(node: Node | null | undefined): node is FunctionNode {
  return node != null && areFunctions.has(node.type)
}

export function isCall(node: Node): node is CallNode {
  return node.type === 'CallExpression' || node.type === 'OptionalCallExpression'
}

export function lineOfNode(node: Node): number {
  return node.loc?.start.line ?? 1
}

function pluginsFor(fileName: string): ParserPlugin[] {
  const common: ParserPlugin[] = ['decorators-legacy', 'decoratorAutoAccessors', 'explicitResourceManagement']
  if (/\.[mc]?ts$/i.test(fileName)) return [...common, 'typescript']
  if (/\.tsx$/i.test(fileName)) return [...common, 'typescript', 'jsx']
  return [...common, 'jsx', 'flow']
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

function lineOf(error: unknown): number {
  const loc = typeof error === 'object' && error !== null && 'loc' in error ? error.loc : undefined
  const line = typeof loc === 'object' && loc !== null && 'line' in loc ? loc.line : undefined
  return typeof line === 'number' ? line : 1
}
