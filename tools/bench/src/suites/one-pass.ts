import { amsSketch } from '@sublinear/ams-sketch'
import { sketch, type SketchMatrix } from '@sublinear/core'
import { gaussianSketch } from '@sublinear/gaussian-sketch'
import { taylorFeatures } from '@sublinear/poly-features'
import { sparseRecovery } from '@sublinear/sparse-recovery'
import { countSketch, osnap } from '@sublinear/sparse-sketch'
import { onePass } from '@sublinear/streaming-attention'
import { childScript, peakMemory, runNode } from '../child.ts'
import { normalMatrix } from '../random.ts'
import { timed, type Case, type Group, type Suite } from '../suite.ts'

const [M, D, DEGREE] = [1024, 4, 4]
const features = taylorFeatures({ d: D, degree: DEGREE, scale: 1 / D }) // t = 70
const kinds: readonly [string, () => SketchMatrix][] = [
  ['AMS', () => amsSketch({ m: M, seed: 1 })],
  ['Gaussian', () => gaussianSketch({ m: M, seed: 1 })],
  ['OSNAP of 8', () => osnap({ m: M, nonzeros: 8, seed: 1 })],
  ['CountSketch', () => countSketch({ m: M, seed: 1 })],
]

export const suite: Suite = {
  name: 'one-pass',
  rounds: 3,
  groups: () => [throughputGroup(), placesGroup(), queriesGroup(), stateGroup(), lengthGroup(), memoryGroup()],
}

/** Pushes of tokens, each a key and its value. */
function throughputGroup(): Group {
  const rows = 1024
  const [keys, values] = [normalMatrix(rows, D, 1), normalMatrix(rows, D, 2)]
  return {
    name: `Algorithm 1, keys and values, d = dv = ${D}, degree ${DEGREE} (t = ${features.t}), m₂ = ${M}`,
    unit: { name: 'µs', of: 'token', count: rows },
    cases: kinds.map(([name, make], i) => {
      const stream = onePass({ features, dv: D, psi: make() })
      const push = () => {
        stream.pushKeys(keys)
        stream.pushValues(values)
      }
      return timed(name, push, i === 0 ? [] : ['AMS'])
    }),
  }
}

/** Pushes far along a stream: columns of Ψ are made from their index, so the rows before need not be pushed. */
function placesGroup(): Group {
  const rows = 1024
  const [keys, values] = [normalMatrix(rows, D, 1), normalMatrix(rows, D, 2)]
  const cases = kinds.slice(0, 3).flatMap(([name, make]) => {
    const first = `${name}, from 10^5 on`
    return [5, 6, 7].map((power) => {
      const stream = onePass({ features, dv: D, psi: make() })
      const push = () => {
        stream.pushKeys(keys, 10 ** power)
        stream.pushValues(values, 10 ** power)
      }
      return timed(`${name}, from 10^${power} on`, push, power === 5 ? [] : [first])
    })
  })
  return { name: 'the same, rows far along the stream', unit: { name: 'µs', of: 'token', count: rows }, cases }
}

function queriesGroup(): Group {
  const rows = 1024
  const queries = normalMatrix(rows, D, 3)
  const phi = sparseRecovery({ n: 2 ** 32, k: 64, epsilon: 0.5, seed: 1 })
  const stream = onePass({ features, dv: D, psi: osnap({ m: M, nonzeros: 8, seed: 1 }), phi })
  stream.pushKeys(queries)
  stream.pushValues(queries)
  return {
    name: `Algorithm 1, queries, n = 2^32, k = 64, ε₁ = ½ (m₁ = ${phi.m})`,
    unit: { name: 'µs', of: 'query', count: rows },
    cases: [timed('pushQueries', () => stream.pushQueries(queries)), timed('attend', () => stream.attend(queries))],
  }
}

/** The cost of keeping the state outside the kernels: a Ψ that is told that it cannot multiply there, beside the same Ψ untold. */
function stateGroup(): Group {
  const rows = 64
  const block = normalMatrix(rows, features.t, 4)
  const cases = kinds.flatMap(([name, make]) => {
    const { resident: _, ...ordinary } = make()
    const [outside, inside] = [sketch(ordinary, features.t), sketch(make(), features.t)]
    const against = `${name}, state outside the kernels`
    return [timed(against, () => outside.push(block)), timed(name, () => inside.push(block), [against])]
  })
  return {
    name: `a sketch of ${M} rows, pushed ${rows} rows of ${features.t} at a time`,
    unit: { name: 'µs', of: 'row', count: rows },
    cases,
  }
}

const run = (n: number, against: string[]): Case => ({
  name: `n = ${n}`,
  against,
  setup: () => ({
    measure: () => (runNode([childScript('one-pass'), String(n)]).milliseconds / n) * 10 ** 6,
  }),
})

/** The three passes and the decoding, OSNAP of 8, k = 16, in a fresh process. */
function lengthGroup(): Group {
  const first = 'n = 100000'
  return {
    name: 'Algorithm 1, all passes, OSNAP of 8, k = 16, a million tokens of',
    unit: { name: 'ms' },
    cases: [run(10 ** 5, []), run(10 ** 6, [first]), run(10 ** 7, [first])],
  }
}

const peak = (n: number): Case => ({
  name: `n = ${n}`,
  setup: () => ({ measure: () => peakMemory(childScript('one-pass'), n) }),
})

function memoryGroup(): Group {
  return {
    name: 'peak memory of Algorithm 1, all passes',
    unit: { name: 'MB' },
    cases: [peak(10 ** 5), peak(10 ** 6), peak(10 ** 7)],
  }
}
