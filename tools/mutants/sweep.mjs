#!/usr/bin/env node
/**
 * Tests a sample of mutants by Stryker: pieces of source files, drawn by a seed until they have as many lines as asked for, are mutated in every way that Stryker
 * knows, and the package's own tests are run against each mutant.
 *
 *   node tools/mutants/sweep.mjs <package> [--lines 60] [--seed 1] [--minutes 30]
 *
 * It works on a copy of the sources in the system's folder for temporary files, and writes results/<package>.json; where the minutes were too few,
 * the file holds the mutants that were reached.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { SWEPT } from './swept.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Lines of source in a piece. */
const PIECE = 12
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    lines: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '30' },
  },
})
const name = positionals[0]
if (!SWEPT[name]) throw new RangeError(`sweep: no package ${name}, known: ${Object.keys(SWEPT).join(', ')}`)
const { sources, tests } = SWEPT[name]

const place = (range) => createHash('sha256').update(`${values.seed} ${range}`).digest('hex')

/** Pieces of the sources in an order that the seed decides, as `file:first-last`, until they have so many lines that are no comment. */
function drawn() {
  const pieces = globSync(sources, { cwd: root }).flatMap((file) => {
    const lines = readFileSync(join(root, file), 'utf8').split('\n')
    return Array.from({ length: Math.ceil(lines.length / PIECE) }, (_, i) => {
      const own = lines.slice(i * PIECE, (i + 1) * PIECE)
      const code = own.filter((line) => !/^\s*(\*|\/\*|\/\/|import |export \*|[})\]]*,?$)/u.test(line)).length
      return { range: `${file}:${i * PIECE + 1}-${i * PIECE + own.length}`, code }
    })
  })
  const chosen = []
  let lines = 0
  for (const piece of pieces.toSorted((a, b) => (place(a.range) < place(b.range) ? -1 : 1))) {
    if (lines >= Number(values.lines)) break
    if (piece.code === 0) continue
    chosen.push(piece.range)
    lines += piece.code
  }
  return chosen
}

/** A copy of the packages, with the installed modules where they are. */
function copy() {
  const folder = mkdtempSync(join(tmpdir(), 'sweep-'))
  const isSource = (path) => !/\/(node_modules|dist|\.turbo|coverage)(\/|$)/u.test(path.slice(root.length))
  for (const path of ['packages', 'package.json', 'tsconfig.json', 'tsconfig.base.json', 'evidence/kit'])
    if (existsSync(join(root, path)))
      cpSync(join(root, path), join(folder, path), { recursive: true, filter: isSource })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const path of globSync('packages/*/node_modules', { cwd: root }))
    symlinkSync(join(root, path), join(folder, path))
  return folder
}

const folder = copy()
const ranges = drawn()
writeFileSync(
  join(folder, 'vitest.config.ts'),
  `export default {
  resolve: { alias: [
    { find: /^@sublinear\\/(io|onnx|threads)\\/node$/, replacement: '${folder}/packages/$1/src/node.ts' },
    { find: /^@sublinear\\/([a-z-]+)$/, replacement: '${folder}/packages/$1/src/index.ts' },
  ] },
  test: { include: ${JSON.stringify(tests)}, testTimeout: 120_000, hookTimeout: 120_000 },
}\n`,
)
writeFileSync(
  join(folder, 'stryker.config.json'),
  JSON.stringify({
    testRunner: 'vitest',
    plugins: [fileURLToPath(import.meta.resolve('@stryker-mutator/vitest-runner')), join(folder, 'one-by-one.mjs')],
    inPlace: true,
    concurrency: 1,
    coverageAnalysis: 'perTest',
    mutate: ranges,
    checkers: [],
    vitest: { configFile: 'vitest.config.ts', related: false },
    reporters: ['one-by-one', 'progress-append-only'],
    timeoutMS: 20_000,
    dryRunTimeoutMinutes: 30,
    disableTypeChecks: false,
    tempDirName: join(folder, '.stryker'),
  }),
)
/** Each mutant is written down as it is tried, so that a run that is cut has those that it reached. */
const tested = join(folder, 'tested.jsonl')
writeFileSync(
  join(folder, 'one-by-one.mjs'),
  `import { appendFileSync } from 'node:fs'
export const strykerPlugins = [{
  kind: 'Reporter',
  name: 'one-by-one',
  factory: () => ({ onMutantTested: (mutant) => appendFileSync(${JSON.stringify(tested)}, JSON.stringify(mutant) + '\\n') }),
}]
`,
)
const stryker = join(fileURLToPath(import.meta.resolve('@stryker-mutator/core')), '../../../bin/stryker.js')
spawnSync(process.execPath, [stryker, 'run'], {
  cwd: folder,
  stdio: ['ignore', 'inherit', 'inherit'],
  timeout: Number(values.minutes) * 60_000,
  killSignal: 'SIGTERM',
})
const mutants = existsSync(tested)
  ? readFileSync(tested, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  : []
const count = (...states) => mutants.filter(({ status }) => states.includes(status)).length
const survivors = mutants
  .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
  .map(({ fileName, location: { start, end }, mutatorName, replacement, status }) => {
    const file = relative(folder, fileName)
    const line = readFileSync(join(root, file), 'utf8').split('\n')[start.line - 1]
    const from =
      start.line === end.line ? line.slice(start.column - 1, end.column - 1) : `${line.slice(start.column - 1)} …`
    const to = replacement.replaceAll(/\s+/gu, ' ').slice(0, 120)
    return {
      file,
      line: start.line,
      mutator: mutatorName,
      from,
      to,
      ...(status === 'NoCoverage' && { reached: false }),
    }
  })
const result = {
  seed: Number(values.seed),
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  minutes: Number(values.minutes),
  pieces: ranges,
  killed: count('Killed'),
  timedOut: count('Timeout'),
  survived: survivors.length,
  survivors,
}
if (mutants.length > 0)
  writeFileSync(new URL(`results/${name}.json`, import.meta.url), `${JSON.stringify(result, undefined, 2)}\n`)
rmSync(folder, { recursive: true, force: true })
console.log(`${name}: ${result.killed} killed, ${result.timedOut} timed out, ${result.survived} survived`)
for (const { file, line, from, to } of survivors) console.log(`  ${file}:${line}: ${from} -> ${to}`)
