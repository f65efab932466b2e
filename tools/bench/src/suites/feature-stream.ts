import { rowsOf, type AttentionStream, type Matrix } from '@sublinear/core'
import { exactAttention, exactStream } from '@sublinear/exact-attention'
import { attentionKernels, featureKernels, kernels } from '@sublinear/kernels'
import { anisotropicFeatures, taylorFeatures } from '@sublinear/poly-features'
import { featureStream } from '@sublinear/streaming-attention'
import { PEAK, peak } from '../peak.ts'
import { normalMatrix, normals } from '../random.ts'
import { timed, type Group, type Suite } from '../suite.ts'

const BLOCK = 512

export const suite: Suite = {
  name: 'feature-stream',
  rounds: 9,
  groups: () => [
    ...[16, 32, 64].map((d) => causalGroup(d, 4096)),
    longGroup(64, 65_536),
    ...[16, 32, 64].map((d) => tokenGroup(d)),
    anisotropicGroup(64, [256, 1024]),
    partsGroup(32, 561),
  ],
}

interface Tokens {
  readonly queries: Matrix
  readonly keys: Matrix
  readonly values: Matrix
}

function tokensOf(n: number, d: number): Tokens {
  const [queries, keys, values] = [1, 2, 3].map((seed) => normalMatrix(n, d, seed))
  return { queries, keys, values }
}

function features(d: number) {
  return taylorFeatures({ d, degree: 2, scale: 1 / Math.sqrt(d) })
}

function stepThrough(stream: AttentionStream & Disposable, { queries, keys, values }: Tokens): void {
  for (let from = 0; from < keys.rows; from += BLOCK) {
    const to = Math.min(keys.rows, from + BLOCK)
    stream.step({ keys: rowsOf(keys, from, to), values: rowsOf(values, from, to) }, rowsOf(queries, from, to))
  }
  stream[Symbol.dispose]()
}

function causalGroup(d: number, n: number): Group {
  const tokens = tokensOf(n, d)
  const scale = 1 / Math.sqrt(d)
  const map = features(d)
  const [ONE_SHOT, STEPS] = ['exactAttention, causal', 'exactStream.step']
  return {
    name: `causal, blocks of ${BLOCK}, n = ${n}, d = ${d}`,
    unit: { name: 'µs', of: 'token', count: n },
    cases: [
      timed(ONE_SHOT, () => exactAttention({ ...tokens, scale, causal: true })),
      timed(STEPS, () => stepThrough(exactStream({ d, dv: d, scale }), tokens)),
      timed('featureStream.step, degree 2', () => stepThrough(featureStream({ features: map, dv: d }), tokens), [
        ONE_SHOT,
        STEPS,
      ]),
    ],
  }
}

/**
 * A causal pass over n tokens, timed on four of its blocks, at 1/8, 3/8, 5/8 and 7/8: exact attention costs the same for each key, so the mean of the
 * four is that of
 * the pass. The exact side is spared its own block.
 */
function longGroup(d: number, n: number): Group {
  const { queries, keys, values } = tokensOf(n, d)
  const scale = 1 / Math.sqrt(d)
  const starts = [1, 3, 5, 7].map((eighths) => (n * eighths) / 8)
  const stream = featureStream({ features: features(d), dv: d })
  const EXACT = 'exactAttention over the keys so far'
  return {
    name: `causal, n = ${n}, d = ${d}: blocks of ${BLOCK} along the way`,
    unit: { name: 'µs', of: 'token', count: starts.length * BLOCK },
    cases: [
      timed(EXACT, () => {
        for (const at of starts) {
          const before = { keys: rowsOf(keys, 0, at), values: rowsOf(values, 0, at) }
          exactAttention({ queries: rowsOf(queries, at, at + BLOCK), ...before, scale })
        }
      }),
      timed(
        'featureStream.step, degree 2',
        () => {
          for (const at of starts) {
            const block = { keys: rowsOf(keys, at, at + BLOCK), values: rowsOf(values, at, at + BLOCK) }
            stream.step(block, rowsOf(queries, at, at + BLOCK))
          }
        },
        [EXACT],
      ),
    ],
  }
}

/** Steps with anisotropic maps, their rotation included. */
function anisotropicGroup(d: number, sizes: readonly number[]): Group {
  const tokens = tokensOf(4096, d)
  const pilot = { pilotKeys: rowsOf(tokens.keys, 0, 512), pilotQueries: rowsOf(tokens.queries, 0, 128) }
  const scale = 1 / Math.sqrt(d)
  const EXACT = 'exactAttention, causal'
  return {
    name: `causal, blocks of ${BLOCK}, n = 4096, d = ${d}, anisotropic`,
    unit: { name: 'µs', of: 'token', count: 4096 },
    cases: [
      timed(EXACT, () => exactAttention({ ...tokens, scale, causal: true })),
      ...sizes.map((t) => {
        const map = anisotropicFeatures({ ...pilot, t, scale })
        return timed(
          `featureStream.step, t = ${t}`,
          () => stepThrough(featureStream({ features: map, dv: d }), tokens),
          [EXACT],
        )
      }),
    ],
  }
}

/** Steps of one token, whose query is answered at once. The exact stream holds 4096 tokens and is only asked. */
function tokenGroup(d: number): Group {
  const tokens = tokensOf(4096, d)
  const one = { keys: rowsOf(tokens.keys, 0, 1), values: rowsOf(tokens.values, 0, 1) }
  const query = rowsOf(tokens.queries, 0, 1)
  const exact = exactStream({ d, dv: d, scale: 1 / Math.sqrt(d) })
  const feature = featureStream({ features: features(d), dv: d })
  exact.push(tokens)
  feature.push(tokens)
  const HELD = 'exactStream.attend, 4096 tokens held'
  return {
    name: `single tokens, d = ${d}`,
    unit: { name: 'µs', of: 'token' },
    cases: [
      timed(HELD, () => exact.attend(query)),
      timed('featureStream.step, degree 2', () => feature.step(one, query), [HELD]),
    ],
  }
}

/** The kernels behind one block of 64 tokens with their queries, called as the stream calls them: they show where the time of a step goes. */
function partsGroup(d: number, t: number): Group {
  const rows = 64
  const tokens = normals(rows * d, 1)
  const held = kernels().floats(rows * d) // the stream's keys and values
  held.write(tokens)
  const phi = kernels().floats(t * rows)
  const state = kernels().floats(t * d)
  const totals = kernels().doubles(t)
  const out = new Float32Array(rows * d)
  const mass = new Float64Array(rows)
  const max = new Float32Array(rows)
  const block = { queries: tokens, keys: held, values: held, rows, keyCount: rows, d, dv: d, scale: 0 }
  const { resident } = features(d)
  if (!resident) throw new Error('Taylor features have no resident form')
  resident.mapKeys(held, rows, phi)
  const product = (name: string, run: () => void) => ({ ...timed(name, run, [PEAK]), operations: 2 * rows * t * d })
  return {
    name: `parts of a block of ${rows} tokens, d = ${d}`,
    unit: { name: 'ns', of: 'token', count: rows },
    cases: [
      peak(),
      timed('features of the keys', () => resident.mapKeys(held, rows, phi)),
      timed('features of the queries', () => resident.mapQueries(tokens, rows, phi, max)),
      product('state += features · values', () => kernels().product('nn', state, phi, held, t, rows, d, true)),
      timed('totals += sums of the features', () => featureKernels().rowSums(totals, phi, t, rows)),
      product('answers = featuresᵀ · state', () => kernels().product('tn', out, phi, state, rows, t, d)),
      timed('masses = featuresᵀ · totals', () => featureKernels().dotColumns(mass, phi, totals, t, rows)),
      timed('exact attention within the block', () =>
        attentionKernels().attend({ ...block, causal: { visible: 1, groups: 1 }, max, mass, sum: out }),
      ),
    ],
  }
}
