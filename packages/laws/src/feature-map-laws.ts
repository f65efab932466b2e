import type { FeatureMap, Matrix } from '@sublinear/core'
import { kernels } from '@sublinear/kernels'
import fc from 'fast-check'
import { close, insist, law, refusal, sameBits, type Law } from './law'
import { uniforms } from './token-data'

export interface FeatureMapLaws {
  /** Begins the name of every law. */
  readonly name: string
  /** The map; always the same one. */
  readonly make: () => FeatureMap
  /** Makes the map of a spec. */
  readonly restore?: ((spec: string) => FeatureMap) | undefined
  /** Maps that must have other specs. */
  readonly differs?: readonly (() => FeatureMap)[] | undefined
  /** Relative error of one inner product that holds while the centred score is within the radius. */
  readonly error: number
  /** Centre of a map that certifies pairs with scale·‖q‖·‖k − centre‖ ≤ radius, and not all pairs with |scale·⟨q, k − centre⟩| ≤ radius. */
  readonly normsAbout?: Float32Array | undefined
  /** Whether fallbacks see only some directions of the space: they are positive, but no maps of the whole score. */
  readonly partialFallbacks?: boolean | undefined
}

/** Float32 rounding of a feature product, as a share of the sum of its terms' sizes. */
const ROUNDING = 4e-6

const input = fc.record({ rows: fc.constantFrom(0, 1, 2, 63, 64, 65), seed: fc.nat() })

/**
 * The laws of the FeatureMap contract, for any implementation:
 * `for (const law of featureMapLaws({ name, make, error })) test(law.name, law.run)`.
 *
 * @returns laws that throw where they are broken; inputs are random with a fixed seed
 */
export function featureMapLaws(options: FeatureMapLaws): Law[] {
  const { name, make, restore, differs = [], error, normsAbout, partialFallbacks = false } = options
  const map = make()
  const { d, t, radius } = map

  const exponential = law(
    {
      name: 'inner products are exponentials, to the stated error within the radius',
      kills: [
        'a coefficient of a monomial wrong',
        'a radius too large',
        'scale left out of one side',
        'logScale without centre',
      ],
      runs: 60,
    },
    fc.record({ rows: fc.constantFrom(1, 2, 65), seed: fc.nat(), edge: fc.boolean() }),
    ({ rows, seed, edge }) => {
      const shares = uniforms(rows, seed, 9).map((x) => (edge ? Math.sign(x) : x))
      for (const pair of pairs(map, rows, seed, (i) => shares[i] * radius * (1 - 1e-6), normsAbout)) {
        const wanted = Math.exp(pair.score)
        const { product, size } = inner(pair.left, pair.right, t)
        const most = error * wanted + ROUNDING * (size + Math.abs(pair.shift) * wanted)
        insist(
          Math.abs(product - wanted) <= most,
          `⟨φ(q), φ(k)⟩ is ${product}, not ${wanted} to ${most}, score ${pair.score}`,
        )
      }
    },
  )

  const blocks = law(
    {
      name: 'rows do not depend on their block',
      kills: ['an entry of out not written', 'something left from the last call', 'inputs changed', 'rows mixed'],
    },
    input,
    ({ rows, seed }) => {
      const x = points(map, rows, seed)
      const kept = x.data.slice()
      const whole = mapped(map, x)
      const again = mapped(map, x)
      for (let r = 0; r < rows; r++) {
        const alone = mapped(map, { rows: 1, cols: d, data: x.data.subarray(r * d, (r + 1) * d) })
        for (const side of ['keys', 'queries'] as const) {
          sameBits(alone[side], whole[side].subarray(r * t, (r + 1) * t), `row ${r} of ${rows} ${side}`)
        }
        insist(Object.is(alone.logScale[0], whole.logScale[r]), `logScale of row ${r}`)
      }
      sameBits(again.keys, whole.keys, 'the same keys again')
      sameBits(x.data, kept, 'the input')
      insist(whole.keys.every(Number.isFinite) && whole.queries.every(Number.isFinite), 'an entry was not written')
    },
  )

  const prefixes = law(
    {
      name: partialFallbacks ? 'fallbacks are positive' : 'fallbacks are maps by themselves, and positive',
      kills: ['an odd degree among them', 'a prefix that ends within a degree', 'another order of features'],
      runs: 60,
    },
    fc.record({ rows: fc.constantFrom(1, 65), seed: fc.nat(), reach: fc.constantFrom(0, 0.5, 1, 2, 4) }),
    ({ rows, seed, reach }) => {
      const { fallbacks } = map
      for (const [i, prefix] of fallbacks.entries()) {
        const falling = Number.isInteger(prefix) && prefix >= 1 && prefix < (fallbacks[i - 1] ?? t)
        insist(falling, `fallbacks must fall from below t = ${t} to 1, got ${fallbacks}`)
      }
      const shares = uniforms(rows, seed, 8)
      for (const pair of pairs(map, rows, seed, (i) => shares[i] * reach * (radius + 1))) {
        const whole = inner(pair.left, pair.right, t).product
        for (const prefix of fallbacks) {
          const { product } = inner(pair.left, pair.right, prefix)
          insist(product > 0, `the first ${prefix} features give ${product} at score ${pair.score}`)
          // Every degree has the same constant; it is 1 where nothing else is promised.
          const same = reach > 0 || partialFallbacks || Math.abs(product - whole) < 1e-3
          insist(same, `the first ${prefix} features give ${product} at score 0, all ${whole}`)
        }
      }
    },
  )

  const spec = law(
    {
      name: 'equal specs are the same map, other maps have other specs',
      kills: ['a parameter missing from the spec', 'a parameter not restored', 'a spec with something random'],
      runs: 6,
    },
    input,
    ({ rows, seed }) => {
      const { kind } = JSON.parse(map.spec) as { kind?: unknown }
      insist(
        typeof kind === 'string' && map.spec.startsWith('{"kind":'),
        `a spec must name its kind first, got ${map.spec}`,
      )
      const x = points(map, rows, seed)
      for (const twin of [make(), ...(restore ? [restore(map.spec)] : [])]) {
        insist(twin.spec === map.spec, `the specs differ: ${twin.spec} and ${map.spec}`)
        for (const field of ['d', 't', 'scale', 'radius'] as const)
          insist(twin[field] === map[field], `${field} differs`)
        insist(String(twin.fallbacks) === String(map.fallbacks), 'fallbacks differ')
        const [a, b] = [mapped(twin, x), mapped(map, x)]
        for (const part of ['keys', 'queries', 'logScale'] as const) sameBits(a[part], b[part], part)
      }
      for (const other of differs) insist(other().spec !== map.spec, `another map has the same spec: ${map.spec}`)
    },
  )

  const refuses = law(
    {
      name: 'broken calls are refused',
      kills: ['NaN or ±Infinity accepted', 'shapes not compared', 'outputs of another size'],
      runs: 6,
    },
    fc.record({ rows: fc.constantFrom(1, 65), seed: fc.nat(), broken: fc.constantFrom(NaN, Infinity, -Infinity) }),
    ({ rows, seed, broken }) => {
      const good = points(map, rows, seed)
      const out = (r: number = rows, cols = t): Matrix => ({ rows: r, cols, data: new Float32Array(r * cols) })
      const calls: [string, (x: Matrix, to: Matrix) => void][] = [
        ['mapKeys', (x, to) => map.mapKeys(x, to)],
        ['mapQueries', (x, to) => map.mapQueries(x, to, new Float32Array(rows))],
      ]
      const entries = good.data.slice()
      entries[seed % entries.length] = broken
      for (const [what, call] of calls) {
        refusal(() => call({ ...good, data: entries }, out()), RangeError, `${what} of ${broken}`)
        refusal(() => call(out(rows, d + 1), out()), RangeError, `${what} of wide rows`)
        refusal(() => call(undefined as never, out()), TypeError, `${what} of undefined`)
        refusal(
          () => call({ ...good, data: Float64Array.from(good.data) as never }, out()),
          TypeError,
          `${what} of float64`,
        )
        refusal(() => call(good, out(rows + 1)), RangeError, `${what} to more rows`)
        refusal(() => call(good, out(rows, t + 1)), RangeError, `${what} to wider rows`)
        refusal(() => call(good, undefined as never), TypeError, `${what} to undefined`)
      }
      const short = new Float32Array(rows - 1)
      refusal(() => map.mapQueries(good, out(), short), RangeError, 'mapQueries with a short logScale')
      refusal(() => map.mapQueries(good, out(), undefined as never), TypeError, 'mapQueries without logScale')
    },
  )
  const resident = law(
    {
      name: 'the resident form is the same map, feature by feature',
      kills: [
        'rows and features exchanged',
        'a centre or scale left out',
        'logScale not written',
        'entries outside t × rows',
      ],
      runs: 12,
    },
    input,
    ({ rows, seed }) => {
      if (!map.resident) return
      const x = points(map, rows, seed)
      const wanted = mapped(map, x)
      const out = kernels().floats(t * rows + 1)
      const keys = kernels().floats(rows * d)
      keys.write(x.data)
      const logScale = new Float32Array(rows).fill(NaN)
      const compare = (side: 'keys' | 'queries') => {
        const got = out.read()
        insist(got[t * rows] === 7, `resident ${side}: an entry behind the last was overwritten`)
        for (let i = 0; i < t * rows; i++) {
          const [f, r] = [Math.floor(i / rows), i % rows]
          const one = wanted[side][r * t + f]
          const near = Math.abs(got[i] - one) <= 1e-5 * Math.abs(one) + 1e-6
          insist(near, `resident ${side}: ${got[i]} at feature ${f}, row ${r}, not ${one}`)
        }
      }
      for (const from of [keys, x.data]) {
        out.fill(7)
        map.resident.mapKeys(from, rows, out)
        compare('keys')
      }
      out.fill(7)
      map.resident.mapQueries(x.data, rows, out, logScale)
      compare('queries')
      close(logScale, wanted.logScale, 0, 'logScale of the resident form')
      for (const array of [out, keys]) array[Symbol.dispose]()
    },
  )
  const laws = [exponential, blocks, prefixes, spec, refuses, resident]
  return laws.map((one) => ({ ...one, name: `${name}: ${one.name}` }))
}

/** Makes rows of a size whose scores with each other are about the radius. */
function points({ d, scale, radius }: FeatureMap, rows: number, seed: number, lane = 0): Matrix {
  const reach = Math.sqrt((radius + 0.5) / scale / d)
  return { rows, cols: d, data: uniforms(rows * d, seed, lane).map((x) => x * reach) }
}

/** Maps the rows, as keys and as queries, over memory that was NaN. */
function mapped(map: FeatureMap, x: Matrix) {
  const out = () => ({ rows: x.rows, cols: map.t, data: new Float32Array(x.rows * map.t).fill(NaN) })
  const [keys, queries, logScale] = [out(), out(), new Float32Array(x.rows).fill(NaN)]
  map.mapKeys(x, keys)
  map.mapQueries(x, queries, logScale)
  return { keys: keys.data, queries: queries.data, logScale }
}

/**
 * Makes pairs of a query and a key, moved along the query until their centred score is about score(i), with their features. With a centre, the key goes to where
 * the norms multiply to |score(i)|, in a direction of its own.
 */
function pairs(map: FeatureMap, rows: number, seed: number, score: (row: number) => number, centre?: Float32Array) {
  const { d, t, scale } = map
  const queries = points(map, rows, seed, 1)
  const keys = points(map, rows, seed, 2)
  const { logScale } = mapped(map, queries)
  const dot = (r: number, b: Matrix) => {
    let sum = 0
    for (let c = r * d; c < (r + 1) * d; c++) sum += queries.data[c] * b.data[c]
    return sum
  }
  const norm = (r: number, x: Matrix) => Math.hypot(...x.data.subarray(r * d, (r + 1) * d))
  for (let r = 0; r < rows; r++) {
    if (centre) {
      const stretch = score(r) / scale / norm(r, queries) / norm(r, keys)
      for (let c = 0; c < d; c++) keys.data[r * d + c] = centre[c] + stretch * keys.data[r * d + c]
      continue
    }
    const step = (score(r) - (scale * dot(r, keys) - logScale[r])) / (scale * dot(r, queries))
    for (let c = r * d; c < (r + 1) * d; c++) keys.data[c] += step * queries.data[c]
  }
  const [left, right] = [mapped(map, queries).queries, mapped(map, keys).keys]
  return Array.from({ length: rows }, (_, r) => ({
    score: scale * dot(r, keys) - logScale[r],
    shift: logScale[r],
    left: left.subarray(r * t, (r + 1) * t),
    right: right.subarray(r * t, (r + 1) * t),
  }))
}

/** Computes the inner product of the first `count` features, and the sum of its terms' sizes. */
function inner(a: Float32Array, b: Float32Array, count: number): { product: number; size: number } {
  let [product, size] = [0, 0]
  for (let f = 0; f < count; f++) {
    product += a[f] * b[f]
    size += Math.abs(a[f] * b[f])
  }
  return { product, size }
}
