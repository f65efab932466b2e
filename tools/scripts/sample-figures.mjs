#!/usr/bin/env node
/**
 * Prints the figures of apps/cli/data/README.md, computed from the files in float64: `node tools/scripts/sample-figures.mjs`.
 * Logits are ⟨q, k⟩/√32 over the causal pairs; effective keys are the mean of e^entropy over rows 1024 and later.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

const folder = new URL('../../apps/cli/data/', import.meta.url)
const layers = [0, 2]
const [n, d] = [4096, 32]

const read = (name) => readFileSync(new URL(name, folder))
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** The header of a .npy file of version 1, and its float16 entries as float64. */
function npy(bytes) {
  const start = 10 + bytes.readUInt16LE(8)
  const header = bytes.toString('latin1', 10, start)
  const count = (bytes.length - start) / 2
  return { header, entries: Float64Array.from({ length: count }, (_, i) => half(bytes.readUInt16LE(start + 2 * i))) }
}

function half(bits) {
  const exponent = (bits >> 10) & 31
  const size = exponent === 0 ? (bits & 1023) * 2 ** -24 : (1 + (bits & 1023) / 1024) * 2 ** (exponent - 15)
  return (bits >> 15 ? -1 : 1) * (exponent === 31 ? Number.NaN : size)
}

/** Largest |logit|, effective keys and the longest query, key and value of one head. */
function figures(queries, keys, values) {
  const logits = new Float64Array(n)
  const effective = []
  let largest = 0
  for (let i = 0; i < n; i++) {
    let max = -Infinity
    for (let j = 0; j <= i; j++) {
      let sum = 0
      for (let c = 0; c < d; c++) sum += queries[i * d + c] * keys[j * d + c]
      logits[j] = sum / Math.sqrt(d)
      max = Math.max(max, logits[j])
      largest = Math.max(largest, Math.abs(logits[j]))
    }
    if (i < n / 4) continue
    let [mass, weighted] = [0, 0]
    for (let j = 0; j <= i; j++) {
      const weight = Math.exp(logits[j] - max)
      mass += weight
      weighted += weight * (logits[j] - max)
    }
    effective.push(mass * Math.exp(-weighted / mass)) // e^entropy
  }
  const longest = (rows) => {
    let most = 0
    for (let i = 0; i < n; i++) most = Math.max(most, Math.hypot(...rows.subarray(i * d, i * d + d)))
    return most
  }
  return {
    largest,
    effective: effective.reduce((a, b) => a + b) / effective.length,
    longest: [queries, keys, values].map(longest),
  }
}

console.log(`| model | layer.head | max \\|logit\\| | effective keys | max \\|q\\| | max \\|k\\| | max \\|v\\| |`)
console.log(`| --- | --- | --- | --- | --- | --- | --- |`)
for (const model of ['sharp', 'bounded']) {
  const tensors = ['q', 'k', 'v'].map((letter) => npy(read(`${model}-${letter}.npy`)).entries)
  for (let head = 0; head < 4; head++) {
    const at = tensors.map((entries) => entries.subarray(head * n * d, (head + 1) * n * d))
    const { largest, effective, longest } = figures(...at)
    const place = `${layers[head >> 1]}.${head & 1}`
    const cells = [largest.toFixed(2), effective.toPrecision(4).replace(/\.$/, ''), ...longest.map((x) => x.toFixed(2))]
    console.log(`| ${model} | ${place} | ${cells.join(' | ')} |`)
  }
}
console.log('\n| file | SHA-256 |\n| --- | --- |')
for (const model of ['sharp', 'bounded'])
  for (const letter of ['q', 'k', 'v'])
    console.log(`| \`${model}-${letter}.npy\` | \`${sha256(read(`${model}-${letter}.npy`))}\` |`)
