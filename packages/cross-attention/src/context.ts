import {
  checkInteger,
  matrix,
  requireSame,
  type FeatureMap,
  type Matrix,
  type PartialSoftmax,
  type SketchMatrix,
  type SparseRecovery,
  type SparseVector,
} from '@sublinear/core'
import {
  featureStream,
  onePass,
  querySketch,
  restoreFeatureStream,
  restoreOnePass,
  restoreQuerySketch,
  type FeatureStream,
  type Moments,
  type OnePass,
  type QuerySketch,
} from '@sublinear/streaming-attention'

/** Holds keys, values and, with Φ, queries: rows that are already multiplied by the weights. */
export interface Context extends Disposable {
  /** Whether there is a Φ. */
  readonly folds: boolean
  readonly tokens: number
  readonly queries: number
  readonly bytes: number
  readonly fallbacks: number
  push(keys: Matrix, values: Matrix, first?: number): void
  pushQueries(queries: Matrix, first?: number): void
  columns(): SparseVector[]
  attend(queries: Matrix): PartialSoftmax
  merge(other: Context): void
  /** The parts of a snapshot, by name. */
  parts(): Record<string, Uint8Array>
}

export interface ContextOptions {
  readonly features: FeatureMap
  readonly dv: number
  readonly psi?: SketchMatrix | undefined
  readonly phi?: SparseRecovery | undefined
}

/**
 * Makes the context.
 *
 * @param parts  parts of a snapshot, to go on from
 */
export function makeContext(options: ContextOptions, parts?: Record<string, Uint8Array>): Context {
  const { features, psi, phi } = options
  if (psi) {
    const shape = { features, psi, ...(phi && { phi }) }
    return sketched(parts ? restoreOnePass(shape, part(parts, 'one-pass')) : onePass({ ...shape, dv: options.dv }))
  }
  const stream = parts
    ? restoreFeatureStream(features, part(parts, 'context'))
    : featureStream({ features, dv: options.dv })
  if (!phi) return exact(stream, undefined)
  const shape = { features, phi }
  return exact(stream, parts ? restoreQuerySketch(shape, part(parts, 'sk(D-1U1)')) : querySketch(shape))
}

const WHO = 'crossAttention'
const NO_PHI = `${WHO}: pushQueries and columns need phi; attend answers rows without it`
const contents = new WeakMap<
  Context,
  { stream?: FeatureStream | undefined; skD1U1?: QuerySketch | undefined; all?: OnePass | undefined }
>()

/** Context with U₂ᵀV itself, since a key comes with its value: smaller than two sketches once m₂ ≥ dv, and without their error. */
function exact(stream: FeatureStream, skD1U1: QuerySketch | undefined): Context {
  let known: Moments | undefined // moments of all context, until more comes
  const moments = () => (known ??= stream.moments())
  const self: Context = {
    folds: skD1U1 !== undefined,
    get tokens() {
      return stream.tokens
    },
    get queries() {
      return skD1U1?.queries ?? 0
    },
    get bytes() {
      return stream.bytes + (skD1U1?.bytes ?? 0)
    },
    get fallbacks() {
      return stream.counters.fallbacks + (skD1U1?.fallbacks ?? 0)
    },
    push(keys, values, first = 0) {
      checkInteger(WHO, 'first', first, 0)
      if (self.queries > 0)
        throw new RangeError(`${WHO}: context must come before the first query, whose denominator needs all of it`)
      stream.push({ keys, values })
      known = undefined
    },
    pushQueries(queries, first) {
      if (!skD1U1) throw new RangeError(NO_PHI)
      if (stream.tokens === 0)
        throw new RangeError(`${WHO}: queries must come after all context, and there is none yet`)
      skD1U1.push(queries, moments(), first)
    },
    columns() {
      if (!skD1U1) throw new RangeError(NO_PHI)
      const { t } = stream.features
      return skD1U1.columns(matrix(t, stream.dv, moments().state))
    },
    attend: (queries) => stream.attend(queries),
    merge(other) {
      const theirs = contents.get(other)
      if (!theirs?.stream) throw new RangeError(`${WHO}: cannot merge, only one of the two has psi`)
      if (self.folds !== other.folds) throw new RangeError(`${WHO}: cannot merge, only one of the two has phi`)
      if (self.queries > 0 || other.queries > 0) {
        const [mine, same] = [moments(), theirs.stream.moments()]
        const equal = mine.weight === same.weight && mine.state.every((x, i) => x === same.state[i])
        if (!equal || !mine.totals.every((x, i) => x === same.totals[i]))
          throw new RangeError(
            `${WHO}: there are queries and the context differs: merge the shards first, then push queries to copies`,
          )
        return skD1U1!.merge(theirs.skD1U1!)
      }
      if (skD1U1) skD1U1.merge(theirs.skD1U1!) // both empty: refuses another Φ
      stream.merge(theirs.stream)
      known = undefined
    },
    parts: () => ({ context: stream.toBytes(), ...(skD1U1 && { 'sk(D-1U1)': skD1U1.toBytes() }) }),
    [Symbol.dispose]() {
      for (const held of [stream, skD1U1]) held?.[Symbol.dispose]()
    },
  }
  contents.set(self, { stream, skD1U1 })
  return self
}

/** Context by sketches, on request: Algorithm 2 as printed, with the two sketches of Algorithm 1. */
function sketched(all: OnePass): Context {
  const self: Context = {
    folds: all.phi !== undefined,
    get tokens() {
      return all.keys
    },
    get queries() {
      return all.queries
    },
    get bytes() {
      return all.bytes
    },
    get fallbacks() {
      return all.counters.fallbacks
    },
    push(keys, values, first) {
      all.pushKeys(keys, first)
      all.pushValues(values, first)
    },
    pushQueries: (queries, first) => all.pushQueries(queries, first),
    columns: () => all.columns(),
    attend: (queries) => all.attend(queries),
    merge(other) {
      const theirs = contents.get(other)
      if (!theirs?.all) throw new RangeError(`${WHO}: cannot merge, only one of the two has psi`)
      all.merge(theirs.all)
    },
    parts: () => ({ 'one-pass': all.toBytes() }),
    [Symbol.dispose]: () => all[Symbol.dispose](),
  }
  contents.set(self, { all })
  return self
}

function part(parts: Record<string, Uint8Array>, name: string): Uint8Array {
  const bytes = parts[name]
  if (!bytes) requireSame('restoreCrossAttention', { parts: name }, { parts: Object.keys(parts).join(', ') })
  return bytes
}
