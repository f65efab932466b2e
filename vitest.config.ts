import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import LongestFirst from './tools/scripts/longest-first.mjs'

const root = fileURLToPath(new URL('.', import.meta.url))

/** Tests run on the sources: `@sublinear/x` is packages/x/src. The built files are tried by tools/scripts/smoke.mjs. */
const alias = [
  { find: /^@sublinear\/(io|onnx|threads)\/node$/, replacement: `${root}packages/$1/src/node.ts` },
  { find: '@sublinear/cluster/faults', replacement: `${root}packages/cluster/src/faults.ts` },
  { find: '@sublinear/cluster/bullmq', replacement: `${root}packages/cluster/src/bullmq.ts` },
  { find: /^@sublinear\/([a-z-]+)$/, replacement: `${root}packages/$1/src/index.ts` },
]

const ALL = ['*/{test,src/plan}/**/*.test.ts']
/** Files that need modules and kernel memory of their own: they load copies, put doubles in their place, or look at the memory. */
const ALONE = [
  'attention/test/memory/*.test.ts',
  'attention/test/two-copies.test.ts',
  'hash-families/test/four-wise-signs.test.ts',
  'io/test/{open-rows-refusals,write-rows}.test.ts',
  'kernels/test/*.test.ts',
]

const project = (name: string, test: { root?: string; include?: string[]; exclude?: string[]; isolate: boolean }) => ({
  resolve: { alias },
  test: {
    name,
    include: ALL,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    server: { deps: { external: [/\/apps\/cli\/dist\//] } }, // the built command, as Node loads it
    ...test,
    root: `${root}${test.root ?? name}`,
  },
})

export default defineConfig({
  test: {
    maxWorkers: '100%', // else one of two cores idles
    sequence: { sequencer: LongestFirst },
    projects: [
      project('packages', { exclude: ALONE, isolate: false }),
      project('alone', { root: 'packages', include: ALONE, isolate: true }),
      project('apps', { isolate: false }),
      project('tools', { isolate: false }),
      project('evidence', { include: ['test/**/*.test.ts'], isolate: false }),
    ],
  },
})
