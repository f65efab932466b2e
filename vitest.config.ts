import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const root = fileURLToPath(new URL('.', import.meta.url))

/** Tests run on the sources: `@sublinear/x` is packages/x/src. The built files are tried by tools/scripts/smoke.mjs. */
const alias = [
  { find: /^@sublinear\/(io|onnx)\/node$/, replacement: `${root}packages/$1/src/node.ts` },
  { find: /^@sublinear\/([a-z-]+)$/, replacement: `${root}packages/$1/src/index.ts` },
]

const project = (folder: string) => ({
  resolve: { alias },
  test: {
    name: folder,
    root: `${root}${folder}`,
    include: ['*/{test,src/plan}/**/*.test.ts'],
    testTimeout: 60_000,
  },
})

export default defineConfig({
  test: {
    projects: [project('packages'), project('apps'), project('tools')],
  },
})
