#!/usr/bin/env node
/**
 * Builds the packages that the command line needs, for `npm run demo` and `npm run model`: ES modules alone, without declarations and maps, all
 * packages in one process. A clone
 * that was built whole is built whole again instead, by turbo, which knows what has changed: so a build never removes declarations that are there.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

const root = resolve(import.meta.dirname, '../..')
const SCOPE = '@sublinear/'
const folderOf = (name) => ['packages', 'apps'].map((place) => join(root, place, name)).find((path) => existsSync(path))

/** Names of the packages that one package needs, itself and those it is built with among them. */
function neededBy(name, found = new Set()) {
  if (found.has(name)) return found
  found.add(name)
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(folderOf(name), 'package.json'), 'utf8'))
  for (const one of Object.keys({ ...dependencies, ...(name === 'cli' && devDependencies) }))
    if (one.startsWith(SCOPE)) neededBy(one.slice(SCOPE.length), found)
  return found
}

const libraries = [...neededBy('cli')].filter((name) => existsSync(join(folderOf(name), 'src/index.ts')))
if (libraries.some((name) => existsSync(join(folderOf(name), 'dist/index.d.ts')))) {
  run('pnpm', ['exec', 'turbo', 'run', 'build', '--filter=@sublinear/cli', '--output-logs=errors-only'], 'inherit')
} else {
  const kernels = folderOf('kernels')
  const written = newest(join(kernels, 'src/generated'))
  if (written < newest(join(kernels, 'assembly')) || written < newest(join(kernels, 'scripts')))
    run(process.execPath, [join(kernels, 'scripts/assemble.mjs'), '--parts'])
  run(process.execPath, [join(folderOf('models'), 'copy.mjs')])
  const common = { bundle: true, packages: 'external', format: 'esm', target: 'es2022', logLevel: 'warning' }
  const names = ['index', 'node', 'node-worker', 'bullmq', 'compute-thread']
  const cli = folderOf('cli')
  await Promise.all([
    ...libraries.map((name) =>
      build({
        ...common,
        entryPoints: names.map((entry) => join(folderOf(name), `src/${entry}.ts`)).filter((path) => existsSync(path)),
        outdir: join(folderOf(name), 'dist'),
      }),
    ),
    build({
      ...common,
      platform: 'node',
      splitting: true,
      entryPoints: {
        main: join(cli, 'src/main.ts'),
        program: join(cli, 'src/program.ts'),
        'evaluation-worker': join(cli, 'src/evaluation/worker.ts'),
      },
      outdir: join(cli, 'dist'),
    }),
  ])
}

/** Time of the newest file of a folder; 0 where there is none. */
function newest(folder) {
  if (!existsSync(folder)) return 0
  return readdirSync(folder, { recursive: true }).reduce((time, file) => {
    const found = statSync(join(folder, file))
    return found.isFile() ? Math.max(time, found.mtimeMs) : time
  }, 0)
}

function run(program, args, output = 'ignore') {
  const { status } = spawnSync(program, args, { cwd: root, stdio: ['ignore', output, 'inherit'] })
  if (status !== 0) process.exit(status ?? 1)
}
