import * as S from '@sublinear/attention'
import {
  innerProduct,
  restoreSketch,
  sketch,
  type AttentionStream,
  type Layer,
  type Matrix,
  type PartialSoftmax,
} from '@sublinear/core'
import {
  exactRecovery,
  frequentItems,
  heavyHitters,
  restoreExactRecovery,
  restoreFrequentItems,
  restoreHeavyHitters,
} from '@sublinear/sparse-recovery'
import { restoreQuerySketch } from '@sublinear/streaming-attention'
import { partialBytes, partialOf, queriesOf, queryBytes } from '../../../packages/cluster/src/saved-partial.ts'
import { randomOf, type Random } from './random.ts'
import { SHAPE, STREAMS } from './streams.ts'

/** A kind of object that goes into a snapshot and comes back. */
export interface Subject<T extends { toBytes(): Uint8Array } = { toBytes(): Uint8Array }> {
  make(): T
  open(bytes: Uint8Array): T
  /** Uses an opened object as its owner would and returns arrays of answers, in none of which NaN may stand. */
  use(opened: T): readonly ArrayLike<number>[]
  /** Whether the answers are those of a stream, which must be finite, with masses that are not negative. */
  readonly isStream?: boolean
}

/** Rows and columns above which an object with a forged width is opened and not used: an owner's queries would be as wide. */
const WIDEST = 2 ** 16
const { d, dv } = SHAPE

/** Gives tokens to a stream, pushed and stepped in pieces of any length. */
export function filled<T extends AttentionStream>(stream: T, count = 150, random: Random = randomOf('filled')): T {
  for (let at = 0; at < count;) {
    const rows = Math.min(count - at, 1 + random.below(40))
    const block = random.block(rows, stream.d, stream.dv, random.chance(0.3))
    if (random.chance(0.5)) stream.push(block)
    else stream.step(block, random.matrix(rows, stream.d))
    at += rows
  }
  return stream
}

const partial = ({ max, mass, sum }: { max: Float32Array; mass: Float64Array; sum: { data: Float32Array } }) => [
  max,
  mass,
  sum.data,
]

function useStream(stream: AttentionStream): readonly ArrayLike<number>[] {
  if (stream.d > WIDEST || stream.dv > WIDEST) return []
  const random = randomOf('used')
  const asked = random.matrix(3, stream.d)
  const answers = [...partial(stream.attend(asked))]
  stream.push(random.block(70, stream.d, stream.dv, false))
  answers.push(...partial(stream.attend(asked)))
  answers.push(...partial(stream.step(random.block(3, stream.d, stream.dv, false), random.matrix(3, stream.d))))
  return answers
}

const streamSubject = (make: () => AttentionStream): Subject<AttentionStream> => ({
  make: () => filled(make()),
  open: S.openStream,
  use: useStream,
  isStream: true,
})

const features = S.taylorFeatures({ d, degree: 2, scale: SHAPE.scale })
const phi = S.sparseRecovery({ n: 4096, k: 2, epsilon: 0.5, seed: 2 })
const small = S.sparseRecovery({ n: 64, k: 2, epsilon: 0.5, seed: 2 })
const MATRICES = {
  ams: S.amsSketch({ m: 32, seed: 1 }),
  gaussian: S.gaussianSketch({ m: 32, seed: 1 }),
  count: S.countSketch({ m: 32, seed: 1 }),
  osnap: S.osnap({ m: 32, seed: 1, nonzeros: 4 }),
  srht: S.srht({ m: 32, seed: 1, n: 256 }),
}

type Columns = readonly { readonly indices: ArrayLike<number>; readonly values: ArrayLike<number> }[]
const columns = (found: Columns) => found.flatMap(({ indices, values }) => [indices, values])

const onePass = (psi: S.SketchMatrix, recovery?: S.SparseRecovery): Subject<S.OnePass> => ({
  make() {
    const random = randomOf('one pass')
    const state = S.onePass({ features, dv, psi, ...(recovery && { phi: recovery }) })
    state.pushKeys(random.matrix(90, d))
    state.pushValues(random.matrix(90, dv))
    if (recovery) state.pushQueries(random.matrix(40, d))
    return state
  },
  open: S.openOnePass,
  use(state) {
    const random = randomOf('used')
    const wide = state.features.d
    if (wide > WIDEST || state.dv > WIDEST) return []
    if (state.queries === 0) {
      state.pushKeys(random.matrix(3, wide))
      state.pushValues(random.matrix(3, state.dv))
    }
    if (state.phi) state.pushQueries(random.matrix(2, wide))
    return [...(state.phi ? columns(state.columns()) : []), ...partial(state.attend(random.matrix(3, wide)))]
  },
})

type Cross = ReturnType<typeof S.crossAttention>
const cross = (options: { psi?: S.SketchMatrix; phi?: S.SparseRecovery }): Subject<Cross> => ({
  make() {
    const random = randomOf('cross')
    const [wq, wk, wv] = [random.matrix(5, d), random.matrix(6, d), random.matrix(6, dv)]
    const state = S.crossAttention({ wq, wk, wv, features, ...options } as never)
    state.pushContext(random.matrix(80, 6))
    if (options.phi) state.pushQueries(random.matrix(20, 5))
    return state
  },
  open: S.openCrossAttention,
  use(state) {
    const random = randomOf('used')
    if (state.queries === 0) state.pushContext(random.matrix(3, state.wk.rows))
    const found: ArrayLike<number>[] = []
    if (options.phi) {
      state.pushQueries(random.matrix(2, state.wq.rows))
      found.push(...columns(state.columns()))
    }
    return [...found, ...partial(state.attend(random.matrix(3, state.wq.rows)))]
  },
})

const sketched = (matrix: S.SketchMatrix, width: number): Subject<S.Sketch> => ({
  make() {
    const state = sketch(matrix, width)
    state.push(randomOf('sketched').matrix(100, width))
    return state
  },
  open: (bytes) => restoreSketch(matrix, bytes),
  use(state) {
    if (state.width > WIDEST) return []
    state.push(randomOf('used').matrix(5, state.width))
    state.update(3, new Float32Array(state.width).fill(1))
    return [state.state.data, innerProduct(state, state).data]
  },
})

const KEYS = ['user', Uint8Array.of(1, 2, 3), 97n, 'a longer name than most of them', '']
const hitters = (options: { n: number; keyBytes?: number }): Subject<ReturnType<typeof heavyHitters>> => ({
  make() {
    const state = heavyHitters({ ...options, k: 4, epsilon: 0.5, seed: 3 })
    for (let i = 0; i < 200; i++)
      state.update(options.keyBytes && i % 2 ? `${String(KEYS[i % 5])}${i % 9}` : (i * 777) % 100, i % 7)
    return state
  },
  open: restoreHeavyHitters,
  use(state) {
    state.update(5, 1)
    if (options.keyBytes) state.update('user', 2)
    return [state.top().map(({ estimate }) => estimate), [state.estimate(5)]]
  },
})

const items = (keyBytes?: number): Subject<ReturnType<typeof frequentItems>> => ({
  make() {
    const state = frequentItems({ count: 12, ...(keyBytes !== undefined && { keyBytes }) })
    for (let i = 0; i < 300; i++) state.update(keyBytes && i % 3 === 0 ? KEYS[i % 5] : (i * i) % 37, 1 + (i % 4))
    return state
  },
  open: restoreFrequentItems,
  use(state) {
    for (let i = 0; i < 40; i++) state.update(i, 3)
    return state.top(10).map(({ lower, upper, estimate }) => [lower, upper, estimate])
  },
})

const layerSubject: Subject<Layer> = {
  make() {
    const random = randomOf('a layer')
    const state = S.layer({ queryHeads: 4, kvHeads: 2, make: () => S.closureStream(SHAPE) })
    state.push({ keys: random.matrix(90, 2 * d), values: random.matrix(90, 2 * dv) })
    return state
  },
  open: (bytes) => S.restoreLayer(bytes, S.openStream),
  use(state) {
    const random = randomOf('used')
    if (state.queryHeads * state.d > WIDEST || state.kvHeads * state.dv > WIDEST) return []
    state.push({ keys: random.matrix(5, state.kvHeads * state.d), values: random.matrix(5, state.kvHeads * state.dv) })
    return partial(state.attend(random.matrix(3, state.queryHeads * state.d)))
  },
  isStream: true,
}

const partialState = (answers: PartialSoftmax) => ({ answers, toBytes: () => partialBytes(answers) })
const partials: Subject<ReturnType<typeof partialState>> = {
  make: () => partialState(filled(S.exactStream(SHAPE)).attend(randomOf('asked').matrix(9, d))),
  open: (bytes) => partialState(partialOf(bytes)),
  use: ({ answers }) => partial(answers),
}
const queryState = (rows: Matrix) => ({ rows, toBytes: () => queryBytes(rows) })
const queries: Subject<ReturnType<typeof queryState>> = {
  make: () => queryState(randomOf('asked').matrix(9, d)),
  open: (bytes) => queryState(queriesOf(bytes)),
  use: ({ rows }) => [rows.data],
}

/** Everything that has a snapshot, by name. */
export const SUBJECTS: Readonly<Record<string, Subject>> = {
  ...Object.fromEntries(Object.entries(STREAMS).map(([name, make]) => [name, streamSubject(make)])),
  layer: layerSubject,
  'partial answers': partials,
  queries,
  ...Object.fromEntries(Object.entries(MATRICES).map(([name, psi]) => [`onePass, ${name}`, onePass(psi)])),
  'onePass, recovered': onePass(MATRICES.ams, phi),
  'onePass, stored': onePass(MATRICES.osnap, small),
  crossAttention: cross({}),
  'crossAttention, recovered': cross({ phi: small }),
  'crossAttention, sketched': cross({ psi: MATRICES.count }),
  querySketch: {
    make() {
      const stream = filled(S.featureStream({ features, dv }))
      const state = S.querySketch({ features, phi })
      state.push(randomOf('asked').matrix(30, d), stream.moments() as never)
      return state
    },
    open: (bytes) => restoreQuerySketch({ features, phi }, bytes),
    use: (state) =>
      columns((state as ReturnType<typeof S.querySketch>).columns(randomOf('core').matrix(features.t, 2))),
  } satisfies Subject,
  ...Object.fromEntries(
    Object.entries(MATRICES).flatMap(([name, matrix]) =>
      [1, 3].map((width) => [`sketch, ${name}, ${width} wide`, sketched(matrix, width)]),
    ),
  ),
  exactRecovery: {
    make() {
      const state = exactRecovery({ n: 1e6, k: 10, delta: 0.01, seed: 3 })
      for (let i = 0; i < 8; i++) state.update(i * 777, i - 3 || 1)
      return state
    },
    open: restoreExactRecovery,
    use(state) {
      const recovery = state as ReturnType<typeof exactRecovery>
      recovery.update(5, 1)
      const found = recovery.decode()
      return found ? [found.indices, found.values] : []
    },
  } satisfies Subject,
  heavyHitters: hitters({ n: 1e6 }),
  'heavyHitters, keyed': hitters({ n: 1e6, keyBytes: 32 }),
  'heavyHitters, stored': hitters({ n: 100 }),
  frequentItems: items(),
  'frequentItems, keyed': items(64),
} as Readonly<Record<string, Subject>>
