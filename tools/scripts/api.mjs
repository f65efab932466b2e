#!/usr/bin/env node
/**
 * Pages of every exported name of the public packages, by TypeDoc, as Markdown in `apps/docs/api/` for the documentation site. `node tools/scripts/api.mjs [--check]`
 * Exits 1 where TypeDoc has a warning, or nothing is said of an option; with --check nothing is written.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Application, CommentTag, Converter, OptionDefaults, ReflectionKind } from 'typedoc'
import ts from 'typescript'
import { manifestOf } from './manifests.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const out = `${root}apps/docs/api`

const entryPoints = readdirSync(`${root}packages`)
  .filter((name) => !manifestOf(`packages/${name}`).private)
  .flatMap((name) => ['index', 'node', 'bullmq'].map((entry) => `${root}packages/${name}/src/${entry}.ts`))
  .filter((path) => existsSync(path))

const app = await Application.bootstrapWithPlugins({
  entryPoints,
  out,
  tsconfig: `${root}tsconfig.json`,
  plugin: ['typedoc-plugin-markdown'],
  name: 'API',
  readme: 'none',
  disableSources: true,
  excludeInternal: true,
  skipErrorChecking: true,
  validation: { notExported: false, invalidLink: true, rewrittenLink: true, notDocumented: false },
  blockTags: [...OptionDefaults.blockTags, '@options'],
  router: 'module',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  entryFileName: 'index',
})

/**
 * Docstrings list options as `@param a, b  words`: names of an options object, or of several parameters. TypeDoc knows one parameter a tag; so a list of
 * options becomes a tag of its own, and a list of parameters one tag each. A name that is neither is left to TypeDoc, which warns.
 */
app.converter.on(Converter.EVENT_CREATE_SIGNATURE, (context, signature, declaration) => {
  const { comment, parameters = [] } = signature
  if (declaration && signature.parent.kind === ReflectionKind.Function)
    for (const option of silentOptions(context.checker, declaration, comment))
      silent.add(`${signature.name}: nothing is said of ${option}, at its declaration or in a @param`)
  if (!declaration || !comment?.blockTags.some(({ tag }) => tag === '@param')) return
  const own = new Set(parameters.map(({ name }) => name))
  const options = optionNames(context.checker, declaration)
  comment.blockTags = comment.blockTags.flatMap((tag) => {
    if (tag.tag !== '@param' || own.has(tag.name)) return [tag]
    const { names, content } = listed(tag)
    if (names.every((name) => own.has(name)))
      return names.map((name) => Object.assign(new CommentTag('@param', content), { name }))
    if (!names.every((name) => options.has(name))) return [tag]
    const said = { kind: 'text', text: `${names.map((name) => `\`${name}\``).join(', ')}: ` }
    return [new CommentTag('@options', [said, ...content])]
  })
})

/** The names at the beginning of a tag, separated by commas, and what is said of them. */
function listed({ name, content }) {
  const [first = { kind: 'text', text: '' }, ...others] = content
  const names = [name.replace(/,$/u, '')]
  let { text } = first
  if (name.endsWith(','))
    for (let more = true; more;) {
      const found = /^\s*([\w$]+)(,?)\s*/u.exec(text)
      names.push(found[1])
      text = text.slice(found[0].length)
      more = found[2] === ','
    }
  return { names, content: [{ ...first, text: text.trimStart() }, ...others] }
}

/** Options of a function without a text: properties of an `…Options` type, a shape or a type written in place, which neither their declaration nor a `@param` explains. */
function silentOptions(checker, declaration, comment) {
  const said = (comment?.blockTags ?? [])
    .filter(({ tag }) => tag === '@param')
    .flatMap(({ name, content }) => [name, ...content.map(({ text }) => text)])
    .join(' ')
  return (declaration.parameters ?? []).flatMap((parameter) =>
    checker
      .getPropertiesOfType(checker.getTypeAtLocation(parameter))
      .filter((property) => property.declarations?.some(isOption))
      .filter((property) => property.getDocumentationComment(checker).length === 0)
      .map(({ name }) => name)
      .filter((name) => !new RegExp(`(?<![\\w$])${name.replaceAll('$', '\\$')}(?![\\w$])`, 'u').test(said)),
  )
}

function isOption({ parent }) {
  if (!parent) return false
  return (
    ts.isTypeLiteralNode(parent) ||
    /(?:Options|Shape|Attention|Attend|Features|DegreeFor|Laws?)$/u.test(parent.name?.text ?? '')
  )
}

/** Names of the properties of all parameters' types. */
function optionNames(checker, declaration) {
  const types = (declaration.parameters ?? []).map((parameter) => checker.getTypeAtLocation(parameter))
  const each = types.flatMap((type) => (type.isUnion() ? type.types : [type]))
  return new Set(each.flatMap((type) => checker.getPropertiesOfType(type).map(({ name }) => name)))
}

const silent = new Set()
const project = await app.convert()
if (!project) process.exit(1)
for (const module of project.children ?? []) module.name = module.name.replace('/src', '')
app.validate(project)
if (!process.argv.includes('--check')) {
  rmSync(out, { recursive: true, force: true })
  await app.generateOutputs(project)
}
for (const fault of [...silent].toSorted()) console.error(fault)
if (app.logger.hasErrors() || app.logger.hasWarnings() || silent.size > 0) process.exitCode = 1
else console.log(`api: ${entryPoints.length} entries without a warning`)
