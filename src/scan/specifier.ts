/** Where a file says that it imports from: what is vmimage's, what is the project's own. */
import type { Node } from './syntax.js'

export function isOfVmImage(specifier: string): boolean {
  return /^vmimage(?:\/|$)/.test(specifier)
}

export function isRelative(specifier: string): boolean {
  return /^\.{1,2}(?:\/|$)/.test(specifier)
}

/** What an import or a `require()` names; undefined for all else, and for types, which run nothing. */
export function specifierOf(node: Node): string | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
      return node.importKind === 'type' || node.importKind === 'typeof' ? undefined : node.source.value
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return node.exportKind === 'type' ? undefined : node.source?.value
    case 'TSExternalModuleReference':
      return node.expression.value
    case 'CallExpression': {
      const { callee } = node
      const isImport = callee.type === 'Import' || (callee.type === 'Identifier' && callee.name === 'require')
      const [argument] = node.arguments
      return isImport && argument?.type === 'StringLiteral' ? argument.value : undefined
    }
    default:
      return undefined
  }
}

/** Told from the text alone, for files in which there is nothing else to read. It may find one too many, in a comment. */
export function relativeImportsIn(code: string): readonly string[] {
  const running = code.replaceAll(typeImport, '')
  return [...new Set([...running.matchAll(runningImport)].map(([, specifier = '']) => specifier))]
}

const typeImport =
  /\b(?:import|export)\s+type\s+(?:[\w$]+|\*(?:\s+as\s+[\w$]+)?|\{[^{}]*\})\s*from\s*(?:'[^'\n]*'|"[^"\n]*")/g
const runningImport = /\b(?:from|import|import\s*\(|require\s*\()\s*['"](\.{1,2}(?:\/[^'"\n]*)?)['"]/g
