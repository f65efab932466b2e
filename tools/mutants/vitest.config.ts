import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { MUTANTS } from './mutants.mjs'

/** Settings for tests of sources with one fault, which MUTANT names: nothing is written to disk, a module is changed as it is loaded. */
const root = fileURLToPath(new URL('../..', import.meta.url))
const mutant = MUTANTS.find(({ id }) => id === process.env['MUTANT'])
const alias = [
  { find: /^@sublinear\/(io|onnx)\/node$/, replacement: `${root}packages/$1/src/node.ts` },
  { find: /^@sublinear\/([a-z-]+)$/, replacement: `${root}packages/$1/src/index.ts` },
]

export default defineConfig({
  plugins: [
    {
      name: 'mutant',
      enforce: 'pre',
      load(id: string) {
        const path = id.split('?')[0]
        if (!mutant || path !== `${root}${mutant.file}`) return undefined
        return readFileSync(path, 'utf8').replace(mutant.from, () => mutant.to)
      },
    },
  ],
  resolve: { alias },
  test: {
    fsModuleCache: false,
    root,
    include: ['packages/*/test/**/*.test.ts'],
    isolate: false,
    testTimeout: 120_000,
    bail: 1,
  },
})
