/** declare: puts the names that a block declares into its scope. */
import { bind, evaluate, moduleOf } from './evaluate.js'
import { lazily, type Scope } from './scope.js'
import type { Node, NodeOf } from './syntax.js'
import { literal, memberOf, unreadable } from './value.js'

/** The declarations that are valid in the whole of a block, before their place as well. */
export function declarationsIn(node: Node): readonly Node[] {
  switch (node.type) {
    case 'Program':
    case 'BlockStatement':
    case 'StaticBlock':
    case 'TSModuleBlock':
      return node.body
    case 'SwitchStatement':
      return node.cases.flatMap(({ consequent }) => consequent)
    case 'ForStatement':
      return node.init ? [node.init] : []
    case 'ForInStatement':
      return [node.left]
    case 'CatchClause':
      return node.param ? [node.param] : []
    default:
      return []
  }
}

export function declare(node: Node, scope: Scope): void {
  switch (node.type) {
    case 'ExportNamedDeclaration':
      if (node.declaration) declare(node.declaration, scope)
      return
    case 'VariableDeclaration':
      for (const { id, init } of node.declarations) {
        const isConstant = node.kind !== 'let' && node.kind !== 'var' && init != null
        bind(id, isConstant ? lazily(() => evaluate(init, scope)) : () => unreadable, scope)
      }
      return
    case 'ImportDeclaration':
      declareImports(node, scope)
      return
    case 'TSImportEqualsDeclaration': {
      const { id, moduleReference } = node
      const isModule = moduleReference.type === 'TSExternalModuleReference'
      bind(id, () => (isModule ? moduleOf(moduleReference.expression.value) : unreadable), scope)
      return
    }
    case 'FunctionDeclaration':
    case 'ClassDeclaration':
    case 'TSDeclareFunction':
    case 'TSEnumDeclaration':
    case 'TSModuleDeclaration':
      if (node.id) bind(node.id, () => unreadable, scope)
      return
    case 'ExportDefaultDeclaration':
      declare(node.declaration, scope)
      return
    default:
      bind(node, () => unreadable, scope) // the parameter of a catch
  }
}

function declareImports({ specifiers, source }: NodeOf<'ImportDeclaration'>, scope: Scope): void {
  const module = moduleOf(source.value)
  for (const specifier of specifiers) {
    const { local } = specifier
    if (specifier.type !== 'ImportSpecifier') bind(local, () => module, scope)
    else {
      const { imported } = specifier
      const name = literal(imported.type === 'Identifier' ? imported.name : imported.value)
      bind(local, () => module.map((value) => memberOf(value, name)), scope)
    }
  }
}
