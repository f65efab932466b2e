#!/usr/bin/env node
/**
 * Says what a page loads: `node tools/scripts/bundle-page.mjs` writes docs/bundles.md from the limits in bundle-sizes.json, which the check of sizes keeps.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

/** Text of docs/bundles.md. */
export function bundlesPage(limits) {
  const rows = Object.entries(limits).map(([line, kB]) => {
    const [names, name] = line.split(' from ')
    return `| ${names === '*' ? 'everything' : names} | ${name} | ${kB} |`
  })
  return `# What a page loads

These are upper bounds in kB, minified by esbuild and packed by gzip, for a page that imports these names and nothing else. \`pnpm run sizes\` measures them, and the check of the repository fails where one is exceeded. This page is
written by \`node tools/scripts/bundle-page.mjs\`. Packages have no effects when they are imported, so names that you import from several packages share what is below them.

<!-- bundles -->

| names | package | at most, kB |
| --- | --- | --- |
${rows.join('\n')}

<!-- /bundles -->

**Of what a stream's bundle consists.** \`node tools/scripts/bundle-parts.mjs 'closureStream from streaming-attention'\` prints it. About a quarter is WebAssembly, a quarter the code that calls it and the same arithmetic in
JavaScript, for hosts without WebAssembly, and a quarter the contract: border checks with their messages, and snapshots. Reading snapshots is always there, since streams merge through them. The stream itself is the rest.

**What was aimed at.** No single stream was to need more than 32 kB. Exact attention, sketches, sparse recovery and \`onePass\` are below that. Feature streams, closures, tiers, BalanceKV and cross-attention are not: the contract and
the kernels below every stream take most of the room. These ways were tried. Modules compiled for size are 0.2 kB smaller. Hexadecimal digits are a fifth smaller than base64 after gzip; raw bytes in a string would be 0.3 kB smaller
still, but then a page must be served as UTF-8. With the WebAssembly in front of all other text, gzip finds 0.3 kB more. Memory apart from products saves nothing, since every store of tokens needs products. Private members
are \`#private\` everywhere, so a minifier shortens them already. Packed by Brotli, as most servers send it, only BalanceKV and cross-attention are above 32 kB.
`
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const limits = JSON.parse(readFileSync(join(root, 'tools/scripts/bundle-sizes.json'), 'utf8'))
  writeFileSync(join(root, 'docs/bundles.md'), bundlesPage(limits))
}
