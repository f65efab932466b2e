#!/usr/bin/env node
/**
 * Orders test files: the longest begin first, so that no core idles at the end beside one long file. Durations of a whole run stand in longest-first.json,
 * since a fresh clone has no durations of its own; a file that is not listed there counts as short. After a whole run on a quiet machine
 * `node tools/scripts/longest-first.mjs` takes them from vitest's cache.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BaseSequencer } from 'vitest/node'

const root = resolve(import.meta.dirname, '../..')
const file = new URL('longest-first.json', import.meta.url)
/** Seconds below which a file is not worth a line. */
const SHORT = 2

/** Orders files by project, since a worker serves one at a time, and the longest first; projects by their longest file. */
export default class LongestFirst extends BaseSequencer {
  sort(specifications) {
    const seconds = JSON.parse(readFileSync(file, 'utf8'))
    return Promise.resolve(
      inOrder(
        specifications.map((specification) => ({
          specification,
          project: specification.project.name,
          seconds: seconds[relative(root, specification.moduleId).replaceAll('\\', '/')] ?? 0,
        })),
      ).map(({ specification }) => specification),
    )
  }
}

/** Files, each with a project and its seconds, ordered by project and then the longest first. */
export function inOrder(files) {
  const longest = new Map()
  for (const { project, seconds } of files) longest.set(project, Math.max(longest.get(project) ?? 0, seconds))
  return files.toSorted(
    (a, b) =>
      longest.get(b.project) - longest.get(a.project) ||
      (a.project < b.project ? -1 : a.project > b.project ? 1 : b.seconds - a.seconds),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [cache] = globSync('node_modules/.vite/vitest/*/results.json', { cwd: root })
  if (!cache) throw new Error('longest-first: run all tests first')
  const { projects } = JSON.parse(readFileSync(resolve(root, cache), 'utf8'))
  const found = Object.values(projects).flatMap(({ files }) =>
    Object.entries(files).map(([path, { duration }]) => [path, Math.round(duration / 1000)]),
  )
  const long = found
    .filter(([path, seconds]) => seconds >= SHORT && globSync(path, { cwd: root }).length > 0)
    .toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(long), null, 2)}\n`)
  console.log(`longest-first: ${long.length} of ${found.length} files take ${SHORT} s and more`)
}
