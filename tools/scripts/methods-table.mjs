#!/usr/bin/env node
/**
 * The table of all methods: `node tools/scripts/methods-table.mjs` writes docs/methods.md from the built catalogue.
 * A test compares the file with the catalogue of the sources.
 */
import { writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const LEARNS = { nothing: 'nothing', queries: 'queries, by `step`', pilot: 'a pilot' }

/** Text of docs/methods.md for a list of methods. */
export function methodsPage(methods) {
  const rows = methods.map(
    (method) =>
      `| [\`${method.name}\`](methods/${method.name}.md) | ${'tierBytes' in method ? 'tier' : 'stream'} | ${LEARNS[method.learns]} | ${method.can.map((name) => `\`${name}\``).join(', ')} | ${method.source} |`,
  )
  return `# One method, one name

The name of a method is the kind of its snapshots, its row on the board, its value for \`--stream\` of every command, its word in a stack and its name in the laws.
A tier can stand before other streams in \`tiers\` and in stacks. The column *can* has the features of a head that a method supports ([attention](attention.md)). Each name leads to a page with code, bytes, and where the method is good and where it loses. This page is written by \`node tools/scripts/methods-table.mjs\`.

| name | is a | learns from | can | source |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
  const { catalogue } = await import('../../packages/attention/dist/index.js')
  writeFileSync(join(root, 'docs/methods.md'), methodsPage(catalogue))
}
