#!/usr/bin/env node
/**
 * The page *which method?*: `node tools/scripts/which-method.mjs` writes docs/which-method.md from the board of all captured heads. On the site a table to choose by stands
 * in front of what is written here. Nothing is measured; a test compares the file.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { traitsOf, whichRows } from '../../apps/docs/.vitepress/theme/which-rows.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Methods of each model and budget that the page lists. */
const FIRST = 5

const percent = (error) => `${Number((100 * error).toPrecision(2))} %`

/** docs/which-method.md, from the board and the page of all methods. */
export function whichMethodPage(board, methodsPage) {
  const rows = whichRows(board)
  const traits = traitsOf(methodsPage)
  const cases = new Map(rows.map(({ model, budget }) => [`${model} ${budget}`, { model, budget }]))
  const lines = [...cases.values()].flatMap(({ model, budget }) =>
    rows
      .filter((row) => row.model === model && row.budget === budget)
      .toSorted((a, b) => a.median - b.median)
      .slice(0, FIRST)
      .map(
        ({ method, median, worst, near, heads }) =>
          `| ${model} | ${budget} | [\`${method}\`](methods/${method}.md) | ${percent(median)} | ${percent(worst)} | ${near} of ${heads} | ${traits[method]?.learns ?? ''} |`,
      ),
  )
  return `# Which method for my heads?

Errors of every method at equal bytes, on all heads that were captured from two small models. *sharp* has heads that look for single tokens, *bounded* has no score above 6.
\`npx sublinear inspect q.npy k.npy v.npy\` says what kind yours are, and \`npx sublinear plan\` finds a recipe for them: a measurement on your own heads is worth more than this page.

<WhichMethod />

The best five of each model and share, by the median over its heads of ‖ô − o‖_F/‖o‖_F. *Among the best*: heads on which a method is at most a tenth above the best one of that head.

<!-- which:board -->

| heads | bytes | method | median error | worst head | among the best | learns from |
| --- | --- | --- | --- | --- | --- | --- |
${lines.join('\n')}

<!-- /which -->

What was done: [the board](../evidence/board/README.md). All methods: [one method, one name](methods.md). This page is written by \`node tools/scripts/which-method.mjs\`.
`
}

const read = (path) => readFileSync(root + path, 'utf8')

/** The page as the committed board has it. */
export function whichMethodFile() {
  return whichMethodPage(JSON.parse(read('evidence/board/full.json')), read('docs/methods.md'))
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url))
  writeFileSync(`${root}docs/which-method.md`, whichMethodFile())
