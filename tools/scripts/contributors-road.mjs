#!/usr/bin/env node
/**
 * Follows the steps of CONTRIBUTING word for word in a scratch copy, without the network: a sketch in six steps, and a stream. `node
 * tools/scripts/contributors-road.mjs`, once the
 * packages are built. One line a step; exits 1 at the first that does not work. The copy shares the repository's node_modules.
 */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const copy = mkdtempSync(join(tmpdir(), 'contributors-road-'))
const at = (...path) => join(copy, ...path)

/** Runs a program and returns its output; the script ends where the program fails. */
function run(step, program, ...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { cwd: copy, encoding: 'utf8' })
  if (status === 0) return stdout
  console.error(`${step}: fails\n${stdout}${stderr}`)
  throw new Error(step)
}
const tool = (name, path) => join(root, 'node_modules', name, path)
const tests = (step, ...args) => run(step, tool('vitest', 'vitest.mjs'), 'run', ...args)
const change = (path, edit) => writeFileSync(at(path), edit(readFileSync(at(path), 'utf8')))
function must(step, text, words) {
  if (!text.includes(words)) throw new Error(`${step}: ${JSON.stringify(words)} is not in\n${text}`)
}

/** Copies the files that git has, as they are now, with the built kernels and links to the installed packages. */
function scratchCopy() {
  const listed = spawnSync('git', ['ls-files'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  for (const path of listed.stdout.split('\n').filter((one) => one && existsSync(join(root, one)))) {
    mkdirSync(dirname(at(path)), { recursive: true })
    cpSync(join(root, path), at(path), { verbatimSymlinks: true })
  }
  cpSync(join(root, 'packages/kernels/src/generated'), at('packages/kernels/src/generated'), { recursive: true })
  symlinkSync(join(root, 'node_modules'), at('node_modules'))
  for (const room of ['packages', 'apps', 'tools'])
    for (const name of readdirSync(join(root, room))) {
      const installed = join(root, room, name, 'node_modules')
      if (existsSync(installed) && existsSync(at(room, name))) symlinkSync(installed, at(room, name, 'node_modules'))
    }
}

try {
  scratchCopy()
  run('new-sketch', 'tools/scripts/new-sketch.mjs', 'my-sketch')
  mkdirSync(at('packages/my-sketch/node_modules/@sublinear'), { recursive: true }) // as pnpm install would do
  for (const name of ['core', 'kernels', 'laws'])
    symlinkSync(at('packages', name), at('packages/my-sketch/node_modules/@sublinear', name))

  must('3, laws', tests('3, laws', '--project', 'packages', 'packages/my-sketch'), '1 passed')
  console.log('1 to 3: the sketch is laid out, exported, and keeps its laws')

  // Step 4: a golden digest. A false digest must be refused with the true one in the message; the true one is then put into the test.
  const test = 'packages/my-sketch/test/laws.test.ts'
  const golden =
    "golden: { m: 5, seed: 1, digest: (bytes) => createHash('sha256').update(bytes).digest('hex'), expected: 'none' }"
  change(
    test,
    (text) =>
      `import { createHash } from 'node:crypto'\n${text.replace('make: mySketch }), // then add `golden`', `make: mySketch, ${golden} }),`)}`,
  )
  const refused = spawnSync(
    process.execPath,
    [tool('vitest', 'vitest.mjs'), 'run', '--project', 'packages', 'packages/my-sketch'],
    { cwd: copy, encoding: 'utf8' },
  )
  const digest = /the digest is (\S+), not none/u.exec(refused.stdout + refused.stderr)?.[1]
  if (refused.status === 0 || !digest) throw new Error('4: a false golden digest is taken')
  change(test, (text) => text.replace("expected: 'none'", `expected: '${digest}'`))
  tests('4, golden', '--project', 'packages', 'packages/my-sketch')
  console.log('4: the golden digest of its columns is asked for, and holds')

  change('tools/bench/package.json', (text) =>
    text.replace('"@sublinear/ams-sketch"', '"@sublinear/my-sketch": "workspace:*",\n    "@sublinear/ams-sketch"'),
  )
  change('tools/bench/src/suites/sketches.ts', (text) =>
    text
      .replace(
        "import { sketch } from '@sublinear/core'",
        "import { sketch } from '@sublinear/core'\nimport { mySketch } from '@sublinear/my-sketch'",
      )
      .replace(
        '  const signs = fourWiseSigns({ count: M, seed: 1 })\n  const columns',
        '  const mine = mySketch({ m: M, seed: 1 })\n  const signs = fourWiseSigns({ count: M, seed: 1 })\n  const columns',
      )
      .replace(
        "      timed('its signs alone'",
        "      timed('mySketch', () => mine.accumulate(own, block, BLOCK * block64++), [AMS]),\n      timed('its signs alone'",
      ),
  )
  must(
    '5, bench',
    tests('5, bench', '--project', 'tools', 'tools/bench/test/suites.test.ts', '-t', 'sketches'),
    '1 passed',
  )
  must('5, bench', readFileSync(at('tools/bench/src/suites/sketches.ts'), 'utf8'), "timed('mySketch'")
  console.log('5: its bench row sets up')

  must('6, papers', readFileSync(at('packages/my-sketch/src/my-sketch.ts'), 'utf8'), 'not from the papers')
  const folders = ['packages/my-sketch', 'tools/bench/src/suites/sketches.ts']
  run('lint', tool('oxfmt', 'bin/oxfmt'), ...folders)
  run('lint', tool('oxlint', 'bin/oxlint'), '--deny-warnings', ...folders)
  for (const check of ['docstrings', 'optional', 'dependencies']) run(check, `tools/scripts/${check}.mjs`)
  console.log('6: it says that it is not from the papers; lint, docstrings and the direction of imports are clean')

  const command = join(root, 'apps/cli/bin/sublinear.mjs')
  run('new-stream', command, 'new-stream', 'mine.mjs')
  const files = ['q', 'k', 'v'].map((part) => `${join(root, 'apps/cli/data')}/sharp-${part}.npy[0,0]`)
  const board = run(
    'board',
    command,
    'compare',
    ...files,
    '--streams',
    'window',
    '--stream',
    './mine.mjs',
    '--budgets',
    '1/8',
  )
  must('board', board, 'mine')
  run('lint', tool('oxlint', 'bin/oxlint'), '--deny-warnings', 'mine.mjs')
  console.log('a stream of its own: written, clean, and a row of the board')
} finally {
  rmSync(copy, { recursive: true, force: true })
}
