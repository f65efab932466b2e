#!/usr/bin/env node
/**
 * Tries the built packages on the Node that runs this file (20 or newer): `node tools/scripts/smoke.mjs`.
 * Imports every ESM entry and requires every CJS entry that packages/<name>/package.json exports, wants the same names from
 * both, and has both compute something small whose answer is known in closed form; and the kernels once more where compiling is forbidden.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createContext, runInContext } from 'node:vm'

const root = fileURLToPath(new URL('../..', import.meta.url))
const require = createRequire(import.meta.url)

const matrix = (rows, cols, entries) => ({ rows, cols, data: Float32Array.from(entries) })
/** Four queries and keys of width 2, and values that are all (3, −5): any softmax attention answers (3, −5). */
const constant = {
  queries: matrix(4, 2, [1, 0, 0, 1, -1, 2, 0.5, 0.25]),
  keys: matrix(4, 2, [0, 1, 2, -1, 0.5, 0.5, -3, 1]),
  values: matrix(4, 2, [3, -5, 3, -5, 3, -5, 3, -5]),
  scale: Math.SQRT1_2,
}
const constantAnswer = [3, -5, 3, -5, 3, -5, 3, -5]

/** A computation for each entry: a function of the loaded module, and the numbers that it must give to 1e-6. */
const computations = {
  '@sublinear/kernels': [
    ({ kernels }) => {
      const out = new Float32Array(4)
      kernels().product('nn', out, Float32Array.of(1, 2, 3, 4), Float32Array.of(5, 6, 7, 8), 2, 2, 2)
      return out
    },
    [19, 22, 43, 50],
  ],
  '@sublinear/small-lm': [({ tokenizer }) => tokenizer([[104, 105]]).encode('hi hi'), [256, 32, 256]],
  '@sublinear/onnx': [({ sampler }) => [sampler()(Float32Array.of(1, 3, 2), 0)], [1]],
  '@sublinear/threads': [({ serveLayers }) => [serveLayers.length], [1]],
  '@sublinear/cluster': [({ levelsOf }) => levelsOf({ rows: 1000, rowsPerShard: 70, fanIn: 4 }), [15, 4, 1]],
  '@sublinear/core': [({ crc32 }) => [crc32(new TextEncoder().encode('123456789'))], [0xcbf43926]],
  '@sublinear/exact-attention': [({ exactAttention }) => exactAttention(constant).data, constantAnswer],
  '@sublinear/poly-features': [
    ({ featureDimension }) => [featureDimension(64, 2), featureDimension(8, 4)],
    [2145, 495],
  ],
  '@sublinear/io': [
    ({ encodeNpy, decodeNpy }) => decodeNpy(encodeNpy(matrix(2, 2, [1.5, -2, 0, 2048]), { dtype: 'f2' })).data,
    [1.5, -2, 0, 2048],
  ],
  '@sublinear/sparse-recovery': [
    ({ heavyHitters }) => {
      const stream = heavyHitters({ n: 2 ** 20, k: 2, epsilon: 0.5, seed: 1 })
      stream.update(77, -4)
      return stream.top().flatMap(({ index, estimate }) => [index, estimate])
    },
    [77, -4],
  ],
  '@sublinear/attention': [
    ({ featureStream, taylorFeatures, normalise }) => {
      const features = taylorFeatures({ d: 2, degree: 2, scale: constant.scale })
      const stream = featureStream({ features, dv: 2 })
      for (let i = 0; i < 40; i++) stream.push(constant)
      return normalise(stream.attend(constant.queries)).data
    },
    constantAnswer,
  ],
}

async function tryEntry(name, folder, { import: esm, require: cjs }) {
  const files = [esm, cjs].map((condition) => join(folder, condition?.default ?? String(condition)))
  for (const file of files) if (!existsSync(file)) throw new Error(`${relative(root, file)} is not built`)
  const modules = [await import(pathToFileURL(files[0]).href), require(files[1])]

  const [names, others] = modules.map((module) =>
    Object.keys(module)
      .filter((key) => key !== 'default')
      .toSorted(),
  )
  if (names.join() !== others.join()) throw new Error(`ESM exports ${names.join()}; CJS exports ${others.join()}`)
  if (!(name in computations)) return
  const [compute, expected] = computations[name]
  for (const [i, module] of modules.entries()) {
    const got = Array.from(compute(module))
    const close =
      got.length === expected.length && got.every((x, j) => Math.abs(x - expected[j]) <= 1e-6 * Math.abs(expected[j]))
    if (!close)
      throw new Error(`${i === 0 ? 'ESM' : 'CJS'} computes ${got.join(', ')} instead of ${expected.join(', ')}`)
  }
}

let loaded = 0
let failed = 0
for (const room of readdirSync(join(root, 'packages')).toSorted()) {
  const folder = join(root, 'packages', room)
  if (!existsSync(join(folder, 'package.json'))) continue
  const { name, exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const entries = Object.entries(exports ?? {}).filter(([, entry]) => typeof entry === 'object')
  for (const [path, entry] of entries) {
    const entryName = name + path.slice(1)
    try {
      await tryEntry(entryName, folder, entry)
    } catch (error) {
      failed += 1
      console.error(`smoke: ${entryName} on Node ${process.version}: ${error instanceof Error ? error.message : error}`)
    }
  }
  if (entries.length > 0) loaded += 1
}

/**
 * Runs the kernels in a context that may not compile WebAssembly, such as a page with a strict policy or workerd; the scalar kernels must give the same sum.
 */
function tryStrictHost() {
  const source = readFileSync(join(root, 'packages/kernels/dist/index.cjs'), 'utf8')
  const said = []
  const given = { module: { exports: {} }, console: { warn: (text) => said.push(text) } }
  const context = createContext(given, { codeGeneration: { wasm: false } })
  const loadedKernels = runInContext(
    `((module, exports) => {${source}\n})(module, module.exports); module.exports`,
    context,
  )
  const [compute, expected] = computations['@sublinear/kernels']
  const sums = Array.from(compute(loadedKernels)).join()
  if (loadedKernels.kernels().name !== 'scalar' || said.length !== 1 || sums !== expected.join())
    throw new Error(`${loadedKernels.kernels().name} kernels give ${sums} and say ${said.join('; ')}`)
}

try {
  tryStrictHost()
} catch (error) {
  failed += 1
  console.error(
    `smoke: kernels without compiling on Node ${process.version}: ${error instanceof Error ? error.message : error}`,
  )
}

if (failed > 0) process.exit(1)
console.log(`smoke: ${loaded} packages load on Node ${process.version}`)
