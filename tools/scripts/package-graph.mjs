#!/usr/bin/env node
/**
 * Draws the packages: `node tools/scripts/package-graph.mjs` writes docs/packages.md from what every package.json declares.
 * A test compares the file with the packages. `dependencies.mjs` sees to it that imports and declarations agree.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const scope = '@sublinear/'

/** Packages that each package imports at run time. */
export function packageEdges(root) {
  const folder = join(root, 'packages')
  return new Map(
    readdirSync(folder).map((name) => {
      const { dependencies = {} } = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8'))
      return [name, Object.keys(dependencies).flatMap((one) => (one.startsWith(scope) ? one.slice(scope.length) : []))]
    }),
  )
}

/** Packages by floors, the lowest first: each stands above all that it imports. @throws Error naming a circle */
export function floorsOf(edges) {
  const heights = new Map()
  const heightOf = (name, path) => {
    if (path.includes(name)) throw new Error(`packages import each other: ${[...path, name].join(' → ')}`)
    const known = heights.get(name)
    if (known !== undefined) return known
    const height = 1 + Math.max(-1, ...edges.get(name).map((below) => heightOf(below, [...path, name])))
    heights.set(name, height)
    return height
  }
  for (const name of edges.keys()) heightOf(name, [])
  const floors = []
  for (const [name, height] of heights) (floors[height] ??= []).push(name)
  return floors.map((floor) => floor.toSorted())
}

/** Text of docs/packages.md. */
export function packagesPage(edges) {
  const floors = floorsOf(edges)
  const reached = (name) => edges.get(name).flatMap((below) => [below, ...reached(below)])
  const needed = (name) =>
    edges.get(name).filter((one) => !edges.get(name).some((other) => reached(other).includes(one)))
  const arrows = [...edges.values()].reduce((sum, below) => sum + below.length, 0)
  const drawn = [...edges.keys()].toSorted().flatMap((name) => needed(name).map((below) => `  ${name} --> ${below}`))
  return `# The packages

An arrow leads from a package to one that it imports. There are ${edges.size} packages and ${arrows} imports, and no import leads up or in a circle. An arrow is left out if other arrows lead to the same
package. This page is written by \`node tools/scripts/package-graph.mjs\`; [ARCHITECTURE](../ARCHITECTURE.md) says what each package is for.

\`\`\`mermaid
flowchart TB
${drawn.join('\n')}
\`\`\`

| floor | packages |
| --- | --- |
${floors
  .map((floor, height) => `| ${height + 1} | ${floor.join(', ')} |`)
  .toReversed()
  .join('\n')}
`
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
  writeFileSync(join(root, 'docs/packages.md'), packagesPage(packageEdges(root)))
}
