import { existsSync } from 'node:fs'
import { defineConfig } from 'tsup'
import { pureModules } from './tools/scripts/pure-modules.mjs'

/** The one build of every package: `tsup --config ../../tsup.config.ts` from the package's folder. */
export default defineConfig({
  entry: ['index', 'node', 'node-worker', 'bullmq', 'compute-thread', 'faults', 'fault-rows', 'fault-worker']
    .map((name) => `src/${name}.ts`)
    .filter((file) => existsSync(file)),
  external: [/^node:/],
  format: ['esm', 'cjs'],
  dts: { banner: `/// <reference lib="esnext.disposable" />` }, // else Disposable is unknown where only ES2022 and DOM are
  sourcemap: true,
  clean: true,
  target: 'es2022',
  platform: 'neutral',
  splitting: false,
  minify: false,
  esbuildPlugins: [pureModules],
})
