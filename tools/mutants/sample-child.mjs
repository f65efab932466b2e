/**
 * Tries mutants in one process of Vitest: `node sample-child.mjs <package> <folder> <quick> <part> [<ids> [<tests>]]`, where the part is one like 0/2. Without ids it runs each test file of
 * its part once, and notes in tests-0.json which mutants each of its tests reaches and how long it takes; with ids, for each mutant, the tests that reach it, those first that end
 * soonest. Outcomes go to outcomes-0.jsonl.
 */
import { appendFileSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createVitest } from 'vitest/node'
import { instrumented } from './instrumented.mjs'
import { SAMPLED } from './sampled.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const [name, folder, quick, piece, ids, some] = process.argv.slice(2)
const [part, parts] = piece.split('/').map(Number)
const { sources } = SAMPLED[name]
const tests = some ? [some] : SAMPLED[name].tests
const { texts } = await instrumented(
  globSync(sources, { cwd: root }).map((file) => join(root, file)),
  JSON.parse(readFileSync(join(folder, 'locations.json'), 'utf8')),
)
/** Seconds of test files, as they are known: those that are longer by far are not begun. */
const known = JSON.parse(readFileSync(new URL('../scripts/longest-first.json', import.meta.url), 'utf8'))
const say = (line) => appendFileSync(join(folder, `outcomes-${part}.jsonl`), `${JSON.stringify(line)}\n`)

/** Read by each test file before it begins: the mutant that is switched on, and where to write which were reached. */
const [active, reached] = [join(folder, `active-${part}.json`), join(folder, `reached-${part}.json`)]
const setup = join(folder, `setup-${part}.mjs`)
writeFileSync(
  setup,
  `import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeEach } from 'vitest'
const { id, hits } = JSON.parse(readFileSync(${JSON.stringify(active)}, 'utf8'))
const own = globalThis.__stryker__ = id === undefined ? {} : { activeMutant: id, hitCount: 0, hitLimit: hits }
if (id === undefined) {
  beforeEach(({ task }) => void (own.currentTestId = task.id))
  afterEach(() => void (own.currentTestId = undefined))
  afterAll(() => writeFileSync(${JSON.stringify(reached)}, JSON.stringify(own.mutantCoverage ?? { static: {}, perTest: {} })))
}
`,
)
const alias = [
  { find: /^@sublinear\/(io|onnx|threads)\/node$/, replacement: `${root}packages/$1/src/node.ts` },
  { find: /^@sublinear\/([a-z-]+)$/, replacement: `${root}packages/$1/src/index.ts` },
]
const files = tests.flatMap((one) => globSync(one, { cwd: root })).map((file) => join(root, file))
const vitest = await createVitest(
  'test',
  {
    config: false,
    root,
    include: tests,
    setupFiles: [setup],
    watch: false,
    fsModuleCache: false, // what was made for other mutants has their switches
    pool: 'threads',
    maxWorkers: 1,
    isolate: true,
    bail: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: [{}],
    coverage: { enabled: false },
  },
  {
    resolve: { alias },
    server: { fs: { strict: false } },
    plugins: [{ name: 'mutants', enforce: 'pre', load: (id) => texts.get(id.split('?')[0]) }],
  },
)
await vitest.standalone?.()
const project = vitest.projects[0]

/** Whether a test file passes, or those of its tests that are named; CPU seconds; and seconds of each test. */
async function passes(file, testIds) {
  const start = process.cpuUsage()
  const watch = setInterval(() => {
    const { user, system } = process.cpuUsage(start)
    if (!ids && (user + system) / 1e6 > Number(quick)) void vitest.cancelCurrentRun('too slow')
  }, 500)
  vitest.state.filesMap.clear() // else `bail` counts what failed in earlier runs
  vitest.state.errorsSet.clear()
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications([
    project.createSpecification(file, testIds && { testIds }),
  ])
  clearInterval(watch)
  const { user, system } = process.cpuUsage(start)
  const ok = unhandledErrors.length === 0 && testModules.length === 1 && testModules[0].ok()
  const times = Array.from(testModules[0]?.children.allTests() ?? [], (one) => [
    one.id,
    one.diagnostic()?.duration ?? 0,
  ])
  return { ok, seconds: (user + system) / 1e6, times }
}

if (!ids) {
  const found = { files: [], left: [] }
  for (const file of files.filter((_, i) => i % parts === part)) {
    if (known[file.slice(root.length)] > Number(quick)) {
      found.left.push(file.slice(root.length))
      continue
    }
    writeFileSync(active, '{}')
    writeFileSync(reached, '{"static":{},"perTest":{}}')
    const { ok, seconds, times } = await passes(file)
    const short = file.slice(root.length)
    console.error(`${short}: ${seconds.toFixed(1)} s${ok ? '' : ', fails beside the switches'}`)
    if (!ok || seconds > Number(quick)) found.left.push(short)
    else found.files.push({ file, seconds, times, reached: JSON.parse(readFileSync(reached, 'utf8')) })
  }
  writeFileSync(join(folder, `tests-${part}.json`), JSON.stringify(found))
  await vitest.close()
  process.exit(0)
}

const noted = globSync('tests-*.json', { cwd: folder }).flatMap(
  (one) => JSON.parse(readFileSync(join(folder, one), 'utf8')).files,
)
const sumOf = (times) => times.reduce((sum, [, time]) => sum + time, 0)

/** The tests of a file that reach a mutant, how often they do, and the CPU seconds that they should take: all tests of the file where it is reached before they begin. */
function reaching({ file, seconds, times, reached }, id) {
  const own = Object.keys(reached.perTest).filter((test) => reached.perTest[test][id] !== undefined)
  const hits = own.reduce((sum, test) => sum + reached.perTest[test][id], reached.static[id] ?? 0)
  if (hits === 0) return []
  const share = sumOf(times.filter(([test]) => own.includes(test))) / Math.max(1, sumOf(times))
  return [reached.static[id] ? { file, hits, seconds } : { file, hits, seconds: seconds * share, tests: own }]
}

for (const id of ids.split(',')) {
  const own = noted.flatMap((one) => reaching(one, id)).toSorted((a, b) => a.seconds - b.seconds)
  let status = own.length === 0 ? 'notReached' : 'survived'
  for (const { file, hits, seconds, tests } of own) {
    say({ begun: id, seconds })
    writeFileSync(active, JSON.stringify({ id, hits: 100 * (hits + 100) }))
    const { ok } = await passes(file, tests)
    if (!ok) {
      status = 'killed'
      break
    }
  }
  say({ id, status })
}
await vitest.close()
process.exit(0)
