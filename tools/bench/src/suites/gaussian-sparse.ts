import sgemm from '@stdlib/blas-base-sgemm'
import { type Matrix, project, sketch, type SketchMatrix } from '@sublinear/core'
import { gaussianSketch } from '@sublinear/gaussian-sketch'
import { kernels, sketchKernels, scalarSketchKernels } from '@sublinear/kernels'
import { countSketch, osnap, srht } from '@sublinear/sparse-sketch'
import bloomFilters from 'bloom-filters'
import { bigHash, countSketchRows, wordHash } from '../baselines/count-sketch.ts'
import { tiledProduct } from '../baselines/product.ts'
import { normalMatrix, normals, randomWords } from '../random.ts'
import { timed, type Group, type Suite } from '../suite.ts'

const M = 1024
const WIDTH = 64
const ROWS = 4096

export const suite: Suite = {
  name: 'gaussian-sparse',
  rounds: 15,
  groups: () => [
    gaussianGroup(),
    projectionGroup(256, 1536, 64),
    countSketchGroup(),
    denseGroup(),
    lengthGroup(),
    countersGroup(),
  ],
}

/** Columns of Ψ itself, made in blocks of 64. */
function gaussianGroup(): Group {
  const out = new Float32Array(M * 64)
  const resident = kernels().floats(M * 64)
  const [BOX, SCALAR] = ['Philox and Box–Muller, plain JS', 'scalar kernels']
  return {
    name: `Gaussian columns, m = ${M}`,
    unit: { name: 'ns', of: 'entry', count: M * 64 },
    cases: [
      timed(BOX, () => normals(M * 64, 1)),
      timed(SCALAR, () => scalarSketchKernels.normalColumns(out, [1, 2], 3, 0, M, 64, 1)),
      timed('kernels, in place', () => sketchKernels().normalColumns(resident, [1, 2], 3, 0, M, 64, 1), [BOX, SCALAR]),
      timed('kernels, copied', () => sketchKernels().normalColumns(out, [1, 2], 3, 0, M, 64, 1), [BOX, SCALAR]),
    ],
  }
}

/** Embeddings (b × n) times Ψᵀ. The peer is given all of Ψ in memory; this package makes it anew. */
function projectionGroup(m: number, n: number, b: number): Group {
  const vectors = normalMatrix(b, n, 1)
  const psi = normals(m * n, 2)
  const out = new Float32Array(b * m)
  const [PEER, TILED] = ['@stdlib/blas-base-sgemm, Ψ given', 'tiled JS, Ψ given']
  const gaussian = gaussianSketch({ m, seed: 1 })
  const sparse = osnap({ m, nonzeros: 8, seed: 1 })
  return {
    name: `projection of ${b} vectors from ${n} to ${m}`,
    unit: { name: 'µs', of: 'vector', count: b },
    cases: [
      timed(PEER, () =>
        sgemm('row-major', 'no-transpose', 'transpose', b, m, n, 1, vectors.data, n, psi, n, 0, out, m),
      ),
      timed(TILED, () => tiledProduct('nt', out, vectors.data, psi, b, n, m, false)),
      timed('project, gaussianSketch', () => project(gaussian, vectors), [PEER, TILED]),
      timed('project, osnap of 8', () => project(sparse, vectors), [PEER, TILED]),
    ],
  }
}

/** A state of its own that a JavaScript case adds to, so that no case finds its state in the cache of another. */
const state = (): Matrix => ({ rows: M, cols: WIDTH, data: new Float32Array(M * WIDTH) })

function accumulated(psi: SketchMatrix, block: Matrix): () => void {
  const into = state()
  return () => psi.accumulate(into, block, 64)
}

function countSketchGroup(): Group {
  const block = normalMatrix(ROWS, WIDTH, 3)
  const [a, b, c] = [state(), state(), state()]
  const big = [123456789012345678n, 987654321098765432n, 555555555555555555n, 777777777777777777n]
  const small = [123456789, 987654321, 555555555, 777777777]
  const given = randomWords(ROWS + 64, 4).map((word) => word % (2 * M))
  const stream = sketch(countSketch({ m: M, seed: 1 }), WIDTH)
  const [BIG, WORD, GIVEN] = ['plain JS, BigInt hash', 'plain JS, hash in doubles', 'plain JS, rows and signs given']
  const plain = (name: string, into: Matrix, share: (key: number) => number) =>
    timed(name, () => countSketchRows(into.data, block.data, share, 64, ROWS, WIDTH))
  return {
    name: `CountSketch, m = ${M}, rows of ${WIDTH}`,
    unit: { name: 'ns', of: 'row', count: ROWS },
    cases: [
      plain(BIG, a, (key) => Number((bigHash(big, key) * BigInt(2 * M)) >> 61n)),
      plain(WORD, b, (key) => Math.floor((wordHash(small, key) / 2 ** 31) * 2 * M)),
      plain(GIVEN, c, (key) => given[key]),
      timed('countSketch', accumulated(countSketch({ m: M, seed: 1 }), block), [BIG, WORD, GIVEN]),
      timed('countSketch in a sketch, entries checked', () => stream.push(block, 64), [BIG, WORD, GIVEN]),
      timed('osnap, 8 nonzeros', accumulated(osnap({ m: M, nonzeros: 8, seed: 1 }), block)),
    ],
  }
}

/** Sketches by matrices without zeros. */
function denseGroup(): Group {
  const block = normalMatrix(256, WIDTH, 5)
  const GAUSSIAN = 'gaussianSketch'
  return {
    name: `dense sketches, m = ${M}, rows of ${WIDTH}`,
    unit: { name: 'ns', of: 'row', count: 256 },
    cases: [
      timed(GAUSSIAN, accumulated(gaussianSketch({ m: M, seed: 1 }), block)),
      timed('srht, n = 2^20', accumulated(srht({ m: M, n: 2 ** 20, seed: 1 }), block), [GAUSSIAN]),
    ],
  }
}

/** A block at the beginning of a stream, after ten million rows, and at the last indices that are allowed. */
function lengthGroup(): Group {
  const block = normalMatrix(1024, WIDTH, 6)
  const psi = countSketch({ m: M, seed: 1 })
  const dense = gaussianSketch({ m: 64, seed: 1 })
  const cases = [10 ** 4, 10 ** 7, 2 ** 53 - 4096].flatMap((first) =>
    [psi, dense].map((matrix) => {
      const into = { rows: matrix.m, cols: WIDTH, data: new Float32Array(matrix.m * WIDTH) }
      return timed(`${matrix.kind}, m = ${matrix.m}, from row ${first}`, () => matrix.accumulate(into, block, first))
    }),
  )
  return { name: `far along a stream, rows of ${WIDTH}`, unit: { name: 'ns', of: 'row', count: 1024 }, cases }
}

/** Counts of scalar items. The peer takes text and gives one-sided bounds of counts ≥ 0; this package takes indices and any weights. */
function countersGroup(): Group {
  const items = 1024
  const peer = new bloomFilters.CountMinSketch(2048, 1)
  const counts = sketch(countSketch({ m: 2048, seed: 1 }), 1)
  const ones = { rows: items, cols: 1, data: new Float32Array(items).fill(1) }
  const words = Array.from({ length: items }, (_, i) => String(i))
  const PEER = 'bloom-filters CountMinSketch, 1 row'
  return {
    name: 'counting items in 2048 counters',
    unit: { name: 'ns', of: 'item', count: items },
    cases: [
      timed(PEER, () => words.forEach((word) => peer.update(word))),
      timed('countSketch in a sketch, f64', () => counts.push(ones, 0), [PEER]),
    ],
  }
}
