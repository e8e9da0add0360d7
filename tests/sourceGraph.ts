import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parseSync } from 'oxc-parser';

export type SourceImport = {
  readonly from: string;
  readonly to: string;
  readonly line: number;
  readonly typeOnly: boolean;
};
export type GlobalUse = { readonly file: string; readonly name: string; readonly line: number };
export type SourceFacts = {
  readonly imports: readonly SourceImport[];
  readonly globals: readonly GlobalUse[];
};

type Node = { readonly type: string; readonly start: number; readonly [key: string]: unknown };

export const listSources = (folders: readonly string[]): readonly string[] =>
  folders.flatMap((folder) =>
    statSync(folder).isFile()
      ? [folder]
      : readdirSync(folder, { recursive: true })
          .map((name) => join(folder, String(name)))
          .filter((path) => /\.tsx?$/.test(path) && !/\.d\.ts$|\.test\.tsx?$|testDoubles/.test(path)),
  );

/** Imports between our own files, and uses of globals that are not shadowed by an import or a declaration of that name. */
export const readFacts = (file: string, text = readFileSync(file, 'utf8')): SourceFacts => {
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const lineOf = (offset: number) => text.slice(0, offset).split('\n').length;
  const imports: SourceImport[] = [];
  const globals: GlobalUse[] = [];
  const declared = new Set<string>();
  walk(program as unknown as Node, (node, parent) => {
    const source = node['source'] as { value?: string } | null | undefined;
    if (/^(Import|ExportNamed|ExportAll)Declaration$/.test(node.type) && source?.value?.startsWith('.')) {
      imports.push({
        from: file,
        to: normalize(join(dirname(file), source.value)),
        line: lineOf(node.start),
        typeOnly: isTypeOnly(node),
      });
    }
    if (node.type === 'ImportExpression') {
      const target = node['source'] as { value?: unknown };
      if (typeof target.value === 'string' && target.value.startsWith('.')) {
        imports.push({
          from: file,
          to: normalize(join(dirname(file), target.value)),
          line: lineOf(node.start),
          typeOnly: false,
        });
      }
    }
    for (const name of declaredNames(node)) declared.add(name);
    const used = globalName(node, parent);
    if (used) globals.push({ file, name: used, line: lineOf(node.start) });
  });
  return { imports, globals: globals.filter(({ name }) => !declared.has(name.split('.')[0] ?? name)) };
};

const isTypeOnly = (node: Node): boolean => {
  if (node['importKind'] === 'type' || node['exportKind'] === 'type') return true;
  const specifiers = (node['specifiers'] ?? []) as readonly Record<string, unknown>[];
  return (
    specifiers.length > 0 &&
    specifiers.every((one) => one['importKind'] === 'type' || one['exportKind'] === 'type')
  );
};

const declaredNames = (node: Node): readonly string[] => {
  if (node.type === 'ImportSpecifier' || node.type === 'ImportDefaultSpecifier')
    return boundNames(node['local']);
  if (node.type === 'VariableDeclarator' || node.type === 'ClassDeclaration') return boundNames(node['id']);
  if (/Function/.test(node.type)) {
    return [node['id'], ...((node['params'] ?? []) as readonly unknown[])].flatMap(boundNames);
  }
  return [];
};

/** Every name that a binding pattern introduces: `{ a, b: [c = 1], ...d }` binds a, c and d. */
const boundNames = (pattern: unknown): readonly string[] => {
  const node = pattern as Node | null | undefined;
  switch (node?.type) {
    case 'Identifier':
      return [node['name'] as string];
    case 'ObjectPattern':
      return (node['properties'] as readonly Node[]).flatMap((property) =>
        boundNames(property.type === 'RestElement' ? property : property['value']),
      );
    case 'ArrayPattern':
      return (node['elements'] as readonly unknown[]).flatMap(boundNames);
    case 'AssignmentPattern':
      return boundNames(node['left']);
    case 'RestElement':
      return boundNames(node['argument']);
    default:
      return [];
  }
};

const identifierName = (node: unknown): string | undefined => {
  const candidate = node as Node | null;
  return candidate?.type === 'Identifier' ? (candidate['name'] as string) : undefined;
};

/** `Date.now` as a member of a global object, or a bare identifier in expression position. */
const globalName = (node: Node, parent: Node | undefined): string | undefined => {
  // With an argument it only converts; without one it looks at the clock.
  if (node.type === 'NewExpression' && identifierName(node['callee']) === 'Date')
    return (node['arguments'] as readonly unknown[]).length === 0 ? 'new Date()' : undefined;
  if (node.type === 'MemberExpression' && node['computed'] === false) {
    const object = identifierName(node['object']);
    const property = identifierName(node['property']);
    if (object && property && ['Date', 'performance', 'Math'].includes(object))
      return `${object}.${property}`;
    if (object && property && ['globalThis', 'window', 'self'].includes(object)) return property;
    return undefined;
  }
  const name = identifierName(node);
  if (!name || !parent) return undefined;
  const isName =
    (parent.type === 'MemberExpression' && parent['property'] === node && parent['computed'] === false) ||
    (parent.type === 'Property' && parent['key'] === node && parent['shorthand'] !== true) ||
    /^TS|Pattern$|Specifier$/.test(parent.type) ||
    (parent.type === 'VariableDeclarator' && parent['id'] === node) ||
    (/Function/.test(parent.type) && (parent['params'] as readonly unknown[])?.includes(node));
  return isName ? undefined : name;
};

const walk = (node: Node, visit: (node: Node, parent: Node | undefined) => void, parent?: Node): void => {
  visit(node, parent);
  for (const [key, value] of Object.entries(node)) {
    if (key === 'parent') continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (child && typeof child === 'object' && typeof (child as Node).type === 'string')
        walk(child as Node, visit, node);
    }
  }
};

/** Cycles among value imports: each as the list of files it goes through. */
export const findCycles = (imports: readonly SourceImport[]): readonly (readonly string[])[] => {
  const targetsByFile = new Map<string, string[]>();
  for (const { from, to, typeOnly } of imports) {
    if (!typeOnly) targetsByFile.set(from, [...(targetsByFile.get(from) ?? []), to]);
  }
  const finished = new Set<string>();
  const cycles: string[][] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (finished.has(file)) return;
    const seen = path.indexOf(file);
    if (seen >= 0) {
      cycles.push([...path.slice(seen), file]);
      return;
    }
    for (const target of targetsByFile.get(file) ?? []) visit(target, [...path, file]);
    finished.add(file);
  };
  for (const file of targetsByFile.keys()) visit(file, []);
  return cycles;
};
