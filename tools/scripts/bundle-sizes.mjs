#!/usr/bin/env node
/**
 * Measures what a page would load: bundles what a user imports with esbuild, minified, and prints its kB after gzip beside its limit in
 * bundle-sizes.json, and after Brotli. Exits 1 where a bundle is larger than its limit. The packages must be built. `--write` sets the limits to 3 % above the sizes measured.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { bundleOf } from './bundle-of.mjs'

const file = new URL('./bundle-sizes.json', import.meta.url)
const limits = JSON.parse(readFileSync(file, 'utf8'))
const sizes = {}
for (const line of Object.keys(limits)) sizes[line] = await sizeOf(line)

for (const [line, { kB, brotli }] of Object.entries(sizes)) {
  const verdict = kB <= limits[line] ? 'ok  ' : 'MORE'
  console.log(
    `${verdict} ${kB.toFixed(1).padStart(6)} of ${limits[line].toFixed(1).padStart(6)} kB, Brotli ${brotli.toFixed(1).padStart(6)}  ${line}`,
  )
}
if (process.argv.includes('--write')) {
  const widened = Object.entries(sizes).map(([line, { kB }]) => [line, Number((kB * 1.03).toFixed(1))])
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(widened), null, 2)}\n`)
} else if (Object.entries(sizes).some(([line, { kB }]) => kB > limits[line])) process.exit(1)

/** Sizes in kB of what an import adds to a page. */
async function sizeOf(line) {
  const { outputFiles } = await bundleOf(line)
  const [{ contents }] = outputFiles
  return { kB: gzipSync(contents, { level: 9 }).length / 1000, brotli: brotliCompressSync(contents).length / 1000 }
}
