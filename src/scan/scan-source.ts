/**
 * scanSource: the images that a source file asks for, read without running it. Only what is certain from the text is
 * found; every other call of ours is named with its line, so that a person can list its image.
 */
import type { ImageInput } from '../request/request.js'
import { changedNames } from './changed-names.js'
import { declarationsIn, declare } from './declare.js'
import { bind, evaluate } from './evaluate.js'
import { inputKey, inputOf, isImage, withArch } from './image-input.js'
import { iteratedList, type Repeated, repeatedBy } from './repeated.js'
import { innerScope, type Scope } from './scope.js'
import { isRelative, relativeImportsIn, specifierOf } from './specifier.js'
import {
  type CallNode,
  childrenOf,
  type FunctionNode,
  isCall,
  isFunction,
  lineOfNode,
  type Node,
  type NodeOf,
  parseCode,
  type SyntaxProblem,
} from './syntax.js'
import { shortened } from './unread-text.js'
import {
  type Alternatives,
  arrayOf,
  elementsOf,
  literal,
  type OpenerName,
  unread,
  unreadable,
} from './value.js'

export interface SourceScan {
  readonly found: readonly { readonly input: ImageInput; readonly line: number }[]
  /** Calls whose image the source does not tell: `text` is the call, shortened. */
  readonly unread: readonly { readonly line: number; readonly text: string }[]
  /** The project's own files that it imports, as they are written: `./disks.js`. */
  readonly imports: readonly string[]
  /** Why nothing was read. */
  readonly problem?: SyntaxProblem | undefined
}

/** Nodes that are visited in one file, repetitions included; a file of 1 MiB has 300,000. */
const budget = 2_000_000

/** Finds the calls of `useVmImage()`, `openVmImage()` and the fixture `vmImage()`. Pure, and never throws. */
export function scanSource(code: string, fileName: string): SourceScan {
  try {
    const parsed = parseCode(code, fileName)
    if ('problem' in parsed) return { found: [], unread: [], imports: [], problem: parsed.problem }
    return scanProgram(parsed.program, code)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    // The stack is full: thousands of expressions in each other, which nobody wrote by hand.
    return { found: [], unread: [], imports: [], problem: { line: 1, message: 'It is nested too deeply.' } }
  }
}

interface Findings {
  /** By line and input: a loop comes by the same call several times. */
  readonly found: Map<string, SourceScan['found'][number]>
  readonly unread: Map<string, SourceScan['unread'][number]>
}

function scanProgram(program: NodeOf<'Program'>, code: string): SourceScan {
  const findings: Findings = { found: new Map(), unread: new Map() }
  const imports = new Set<string>()
  let changed: ReadonlySet<string> | undefined // few files have lists, and it is another way through the whole of it
  const file = {
    code,
    changed: () => (changed ??= changedNames(program)),
    mayHaveFixture: /['"`]vmimage[/'"`]/.test(code) || relativeImportsIn(code).length > 0,
    imports,
    budget,
  }
  walk(program, { names: new Map(), parent: undefined, file }, findings)
  return {
    found: [...findings.found.values()].toSorted(byLine),
    unread: [...findings.unread.values()].toSorted(byLine),
    imports: [...imports],
  }
}

function byLine(a: { readonly line: number }, b: { readonly line: number }): number {
  return a.line - b.line
}

function walk(node: Node, scope: Scope, findings: Findings): void {
  scope.file.budget--
  const specifier = specifierOf(node)
  if (specifier !== undefined && isRelative(specifier)) scope.file.imports.add(specifier)
  if (isFunction(node)) walkFunction(node, undefined, scope, findings)
  else if (isCall(node)) walkCall(node, scope, findings)
  else if (node.type === 'ForOfStatement') walkLoop(node, scope, findings)
  else {
    const declarations = declarationsIn(node)
    const inner = declarations.length > 0 ? innerScope(scope) : scope
    for (const declaration of declarations) declare(declaration, inner)
    walkAll(childrenOf(node), inner, findings)
  }
}

function walkAll(nodes: readonly Node[], scope: Scope, findings: Findings): void {
  for (const node of nodes) walk(node, scope, findings)
}

function walkCall(node: CallNode, scope: Scope, findings: Findings): void {
  const opener = openerOf(node.callee, scope)
  if (opener) {
    read(imageOf(node, opener, scope), node, scope.file, findings)
  }
  // `['fedora', 'debian'].map(useVmImage)`
  const list = iteratedList(node.callee)
  if (list && node.arguments.some((argument) => openerOf(argument, scope))) {
    const elements = evaluate(list, scope).flatMap((value) => elementsOf(value) ?? [unread])
    read(elements, node, scope.file, findings)
  }
  const repeated = repeatedBy(node, scope)
  const others = childrenOf(node).filter((child) => child !== repeated?.callback)
  walkAll(others, scope, findings)
  if (repeated) walkRows(repeated, scope, findings)
}

function walkRows({ callback, rows }: Repeated, scope: Scope, findings: Findings): void {
  for (const row of rows) {
    // The rest is walked as one that nobody knows: nothing that it asks for is passed over in silence.
    const isTooMuch = scope.file.budget <= 0
    walkFunction(callback, isTooMuch ? undefined : row, scope, findings)
    if (isTooMuch) return
  }
}

function walkFunction(
  { params, body }: FunctionNode,
  given: Repeated['rows'][number],
  scope: Scope,
  findings: Findings,
): void {
  const inner = innerScope(scope)
  params.forEach((param, place) => {
    const isContext = scope.file.mayHaveFixture && param.type === 'ObjectPattern'
    const value = given?.[place] ?? (isContext ? ({ kind: 'context' } as const) : unread)
    if (param.type !== 'RestElement') bind(param, () => [value], inner)
    else bind(param.argument, () => [given ? arrayOf(given.slice(place)) : unread], inner)
  })
  walkAll(params, inner, findings)
  walk(body, inner, findings)
}

/** `for (const image of ['fedora', 'debian'])` */
function walkLoop({ left, right, body }: NodeOf<'ForOfStatement'>, scope: Scope, findings: Findings): void {
  walk(right, scope, findings)
  const pattern = left.type === 'VariableDeclaration' ? left.declarations[0]?.id : undefined
  const elements = evaluate(right, scope).flatMap((list) => elementsOf(list) ?? [unread])
  for (const element of elements) {
    const isTooMuch = scope.file.budget <= 0
    const inner = innerScope(scope)
    if (pattern) bind(pattern, () => [isTooMuch ? unread : element], inner)
    walk(body, inner, findings)
    if (isTooMuch) return
  }
}

/** `values`: what the image is said to be. */
function read(
  values: Alternatives,
  call: CallNode,
  { code }: Scope['file'],
  { found, unread: unreadCalls }: Findings,
): void {
  const line = lineOfNode(call)
  for (const value of values) {
    const input = inputOf(value)
    if (input === undefined) {
      const text = shortened(code.slice(call.start ?? 0, call.end ?? 0))
      unreadCalls.set(`${line} ${text}`, { line, text })
    } else found.set(`${line} ${inputKey(input)}`, { input, line })
  }
}

function openerOf(node: Node, scope: Scope): OpenerName | undefined {
  return evaluate(node, scope).find((value) => value.kind === 'opener')?.name
}

function imageOf({ arguments: given }: CallNode, opener: OpenerName, scope: Scope): Alternatives {
  const [first, second] = given.map((argument) => evaluate(argument, scope))
  if (!first) return noArgument(opener)
  if (!second) return first
  if (opener === 'openVmImage') return withArch(first, second)
  return isImage(second) ? second : first
}

/** `openVmImage()` opens fedora; the others take nothing for a mistake. */
function noArgument(name: OpenerName): Alternatives {
  return name === 'openVmImage' ? [literal('fedora')] : unreadable
}
