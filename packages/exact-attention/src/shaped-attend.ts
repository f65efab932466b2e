import { checkObject, perRow, type Head, type PartialSoftmax, type Shape } from '@sublinear/core'
import { attentionKernels, isFloat32, kernels, scratch, type Floats, type Resident } from '@sublinear/kernels'

/** Query rows, and keys, that are scored at a time. */
const ROWS = 64
const KEYS = 256

const scoreScratch = scratch(Float32Array)
const rowScratch = scratch(Float64Array)
const biasScratch = scratch(Float32Array)
const keyScratch = scratch(Float32Array)
const valueScratch = scratch(Float32Array)

/** Keys in order, in one array. */
export interface ShapedKeys {
  readonly keys: Floats // count × d
  /** Absent where they are the first dv columns of the keys. */
  readonly values?: Floats | undefined // count × dv
  /** Logarithms of the weights. */
  readonly bias?: Floats | undefined // count
  readonly count: number
}

/** Keys that a query row sees: row r sees from(r) … end(r) − 1, both never falling with r; `place` is its own place among the keys, for distances. */
export interface Sight {
  from(row: number): number
  end(row: number): number
  place(row: number): number
}

/** Features that change scores. */
export type Scored = Pick<Shape, 'd' | 'dv' | 'scale'> & Pick<Head, 'softcap' | 'slope'>

/**
 * Continues partial softmaxes over the keys that each row sees, with caps on scores and penalties on distances. Nothing is checked.
 *
 * Where all rows of a piece see a key and scores are plain, the kernel `attend` answers; else scores are taken by a product and become shares here,
 * in float64: a distance is subtracted after the product, so that it loses nothing however far out the places are.
 *
 * Guarantee: that of `exactAttention`.
 * Cost: some 20 ns for each visible score where scores are not plain.
 */
export function shapedAttend(
  shape: Scored,
  queries: Float32Array,
  all: ShapedKeys,
  sight: Sight,
  partial: PartialSoftmax,
): void {
  const { max, mass, sum } = checkObject('shapedAttend', partial, 'partial')
  const { d, dv, scale, softcap, slope } = shape
  const isPlain = softcap === undefined && slope === undefined
  for (let r = 0; r < max.length; r += ROWS) {
    const rows = Math.min(ROWS, max.length - r)
    const own = {
      first: r,
      rows,
      queries: queries.subarray(r * d, (r + rows) * d),
      max: max.subarray(r, r + rows),
      mass: mass.subarray(r, r + rows),
      sum: sum.data.subarray(r * dv, (r + rows) * dv),
    }
    const within = (at: number) => Math.min(all.count, Math.max(0, at))
    const [low, high] = [within(sight.from(r)), within(sight.end(r + rows - 1))]
    // Between these two keys, all rows see every key.
    const common = isPlain ? Math.min(high, within(sight.from(r + rows - 1))) : high
    const end = isPlain ? Math.max(common, within(sight.end(r))) : high
    share(own, low, common)
    if (isPlain) plain(own, common, end)
    share(own, end, high)
  }

  function plain({ rows, queries: q, max, mass, sum }: Piece, from: number, to: number): void {
    const step = all.values ? to - from : KEYS
    for (let at = from; at < to; at += step) {
      const count = Math.min(step, to - at)
      const { keys, values } = tile(at, count)
      const bias = all.bias && part(all.bias, at, count)
      attentionKernels().attend({
        queries: q,
        keys,
        values,
        ...(bias && { bias }),
        rows,
        keyCount: count,
        d,
        dv,
        scale,
        max,
        mass,
        sum,
      })
    }
  }

  function share({ first, rows, queries: q, max, mass, sum }: Piece, from: number, to: number): void {
    for (let at = from; at < to; at += KEYS) {
      const count = Math.min(KEYS, to - at)
      const { keys, values } = tile(at, count)
      const scores = scoreScratch(rows * count)
      kernels().product('nt', scores, q, keys, rows, d, count)
      const bias = all.bias && read(part(all.bias, at, count), biasScratch(count))
      const exact = rowScratch(count) // of one row: rounded to float32, a score near 50 would lose 2e-6 of its share
      for (let r = 0; r < rows; r++) {
        const row = first + r
        const [seen, end] = [Math.max(0, sight.from(row) - at), Math.min(count, sight.end(row) - at)]
        const own = scores.subarray(r * count, (r + 1) * count)
        if (seen >= end) {
          own.fill(0)
          continue
        }
        let top = max[r]
        const fall = slope === undefined ? 0 : perRow(slope, row)
        const place = sight.place(row) - at
        for (let j = seen; j < end; j++) {
          let score = scale * own[j]
          if (softcap !== undefined) score = softcap * Math.tanh(score / softcap)
          if (bias) score += bias[j]
          if (fall !== 0) score -= fall * (place - j)
          // Beyond some 10^6 scores are compared as float32, as kernels do: a float64 may lie so far above its float32 that its share would be infinite.
          exact[j] = score * score < 1e13 ? score : Math.fround(score)
          if (exact[j] > top) top = Math.fround(exact[j])
        }
        const factor = max[r] === -Infinity ? 0 : Math.exp(max[r] - top)
        let total = mass[r] * factor
        own.fill(0, 0, seen)
        own.fill(0, end)
        for (let j = seen; j < end; j++) {
          own[j] = Math.exp(exact[j] - top)
          total += own[j]
        }
        if (factor !== 1) for (let c = r * dv; c < (r + 1) * dv; c++) sum[c] *= factor
        max[r] = top
        mass[r] = total
      }
      kernels().product('nn', sum, scores, values, rows, count, dv, true)
    }
  }

  /** Keys at … at + count − 1 with their values. */
  function tile(at: number, count: number): { readonly keys: Floats; readonly values: Floats } {
    if (all.values) return { keys: part(all.keys, at * d, count * d), values: part(all.values, at * dv, count * dv) }
    const keys = read(part(all.keys, at * d, count * d), keyScratch(count * d))
    const values = valueScratch(count * dv)
    for (let j = 0; j < count; j++) values.set(keys.subarray(j * d, j * d + dv), j * dv)
    return { keys, values }
  }
}

interface Piece {
  readonly first: number
  readonly rows: number
  readonly queries: Float32Array
  readonly max: Float32Array
  readonly mass: Float64Array
  readonly sum: Float32Array
}

function part(of: Floats, from: number, count: number): Floats {
  return isFloat32(of) ? of.subarray(from, from + count) : of.range(from, count)
}

/** Plain numbers of an operand; a resident array is copied to `out`. */
function read(of: Floats, out: Float32Array): Float32Array {
  if (isFloat32(of)) return of
  ;(of satisfies Resident<Float32Array>).readInto(out)
  return out
}
