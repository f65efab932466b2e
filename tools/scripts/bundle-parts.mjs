#!/usr/bin/env node
// Prints how much of a bundle comes from which package and folder, in per cent of its minified bytes, the largest first:
// `node tools/scripts/bundle-parts.mjs 'closureStream from streaming-attention'`.
import { bundleOf } from './bundle-of.mjs'

const { metafile } = await bundleOf(process.argv[2], { fromSources: true })
const [{ inputs, bytes }] = Object.values(metafile.outputs)
const parts = {}
for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
  const [, part = 'the rest'] = /packages\/(.*?)\/[^/]+$/.exec(file.replace('/src', '')) ?? []
  parts[part] = (parts[part] ?? 0) + bytesInOutput
}
for (const [part, size] of Object.entries(parts).toSorted(([, a], [, b]) => b - a))
  console.log(`${((100 * size) / bytes).toFixed(1).padStart(5)} %  ${part}`)
