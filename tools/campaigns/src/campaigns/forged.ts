import * as S from '@sublinear/attention'
import { decodeSnapshot, encodeSnapshot, type Tensor } from '@sublinear/core'
import type { Allocations } from '../allocations.ts'
import type { Campaign } from '../campaign.ts'
import type { Random } from '../random.ts'
import { filled, SUBJECTS, type Subject } from '../subjects.ts'
import { tried } from './snapshots.ts'

/** Snapshots whose sizes are large and fit each other, so that only a bound on what they cost can refuse them. */
export const FORGED: Readonly<Record<string, readonly [Subject, (random: Random) => Uint8Array]>> = {
  'random features': [
    stream(),
    (random) => features({ kind: 'random', ...product(random), ...seeded, orthogonal: false }),
  ],
  'random features, orthogonal': [
    stream(),
    (random) => features({ kind: 'random', ...product(random), ...seeded, orthogonal: true }),
  ],
  'trigonometric features': [
    stream(),
    (random) => features({ kind: 'trigonometric', ...product(random, 4), ...seeded }),
  ],
  'tensor sketches': [
    stream(),
    (random) => {
      const { d, t } = product(random)
      return features({ kind: 'tensor-sketch', d, degree: random.pick([2, 3, 20]), t: Math.max(t, d + 32), ...seeded })
    },
  ],
  'Taylor features': [
    stream(),
    (random) => features({ kind: 'taylor', d: power(random, 24), degree: 1 + random.below(20), scale: 0.5 }, false),
  ],
  'minimax features': [
    stream(),
    (random) =>
      features({ kind: 'minimax', d: 2, degree: 2 * random.below(11), radius: random.pick([8, 1e-9, 1]), scale: 0.5 }),
  ],
  'the width of a stream': [
    stream(),
    (random) => {
      const name = random.pick(Object.keys(SUBJECTS).filter((one) => SUBJECTS[one].isStream && one !== 'layer'))
      const fresh = S.openStream(SUBJECTS[name].make().toBytes())
      fresh.reset()
      return changed(fresh.toBytes(), { d: String(power(random, 53)), dv: String(power(random, 53)) })
    },
  ],
  'sizes of a stream': [
    stream(),
    (random) => {
      const name = random.pick(Object.keys(SUBJECTS).filter((one) => SUBJECTS[one].isStream && one !== 'layer'))
      const bytes = SUBJECTS[name].make().toBytes()
      const sizes = Object.keys(decodeSnapshot(bytes).parameters).filter((one) =>
        ['count', 'blockSize', 'levels', 'capacity', 'clusters', 'parts', 'lift', 'draws', 'tokens'].includes(one),
      )
      return changed(
        bytes,
        Object.fromEntries(sizes.filter(() => random.chance(0.6)).map((one) => [one, String(power(random, 53))])),
      )
    },
  ],
  'the budget of an auto stream': [
    stream(),
    (random) => {
      const bytes = SUBJECTS[random.pick(['auto, 3000 bytes', 'auto, 12000 bytes'])].make().toBytes()
      const limits = JSON.parse(decodeSnapshot(bytes).parameters['limits']) as object
      return changed(bytes, {
        limits: JSON.stringify({ ...limits, budgetBytes: power(random, 53), weighted: random.chance(0.5) }),
      })
    },
  ],
  ...Object.fromEntries(
    ['ams', 'gaussian', 'count', 'osnap', 'srht'].map((matrix) => [
      `Ψ of a one-pass state, ${matrix}`,
      [
        SUBJECTS[`onePass, ${matrix}`],
        (random: Random) => withRows(random, SUBJECTS[`onePass, ${matrix}`].make().toBytes()),
      ],
    ]),
  ),
  'Φ of a one-pass state': [
    SUBJECTS['onePass, recovered'],
    (random) => {
      const bytes = SUBJECTS[random.pick(['onePass, recovered', 'onePass, stored'])].make().toBytes()
      return changed(bytes, { 'phi.n': String(power(random, 53)), 'phi.k': String(power(random, 30)) })
    },
  ],
  'heavy hitters': [
    SUBJECTS['heavyHitters'],
    (random) =>
      changed(SUBJECTS[random.pick(['heavyHitters', 'heavyHitters, keyed'])].make().toBytes(), {
        n: String(power(random, 32)),
        k: String(power(random, 32)),
        epsilon: random.pick(['0.5', '1e-9', '1']),
      }),
  ],
  'exact recovery': [
    SUBJECTS['exactRecovery'],
    (random) =>
      changed(SUBJECTS['exactRecovery'].make().toBytes(), {
        n: String(power(random, 32)),
        k: String(power(random, 18)),
        delta: random.pick(['1e-300', '0.5', '5e-324']),
      }),
  ],
}

export function forged(allocations: Allocations): Campaign {
  return {
    name: 'forged',
    about: 'a snapshot of large sizes that fit each other keeps to the bounds of a changed one',
    sample: 12,
    round: 200,
    patience: 20,
    units: () => Object.keys(FORGED),
    begin(unit) {
      const [subject, make] = FORGED[unit]
      const usual = SUBJECTS['feature, random'].make().toBytes()
      S.openStream(usual).attend({ rows: 1, cols: 4, data: new Float32Array(4) }) // what is made once in a process is made
      return (random) => tried(subject, make(random), allocations)
    },
  }
}

const seeded = { scale: 0.5, seed: '1' }

function stream(): Subject {
  return SUBJECTS['feature, random']
}

/** A power of two, or a number beside one. */
function power(random: Random, most: number): number {
  return Math.max(1, Math.min(2 ** 53 - 1, 2 ** random.below(most + 1) + random.pick([0, 0, 1, -1])))
}

/** d and t whose product is what maps allow, or somewhat more. */
function product(random: Random, least = 1): { readonly d: number; readonly t: number } {
  const total = random.pick([14, 18, 20, 22, 24, 25])
  const share = Math.max(total - 16, random.below(total + 1)) // t is in the snapshot, so what is short has few
  return { d: 2 ** share, t: Math.max(least, 2 ** (total - share)) }
}

function zeros(...shape: number[]): Tensor {
  return { dtype: 'F32', shape, data: new Float32Array(shape.reduce((all, one) => all * one, 1)) }
}

/** The snapshot of a feature stream of a map, as it would be without tokens. */
function features(spec: object, isSized = true): Uint8Array {
  const { parameters, version } = decodeSnapshot(
    filled(S.openStream(SUBJECTS['feature, random'].make().toBytes())).toBytes(),
  )
  const { d, t = 1 } = spec as { d: number; t?: number }
  const rows = isSized ? t : 1
  return encodeSnapshot({
    kind: 'feature',
    version,
    parameters: { ...parameters, features: JSON.stringify(spec), dv: '1', tokens: '0', weight: '0' },
    tensors: {
      state: zeros(rows, 1),
      totals: { dtype: 'F64', shape: [rows], data: new Float64Array(rows) },
      keys: zeros(0, d),
      values: zeros(0, 1),
    },
  })
}

/** The snapshot of a one-pass state with another number of rows of Ψ, in the sketches inside, too. */
function withRows(random: Random, bytes: Uint8Array): Uint8Array {
  const m = String(power(random, 31))
  const { tensors, parameters } = decodeSnapshot(bytes)
  const inside = random.chance(0.5)
  const psi = (parameters['psi'] ?? '').replace(/\/.*/, (option) =>
    random.chance(0.5) ? `/${power(random, 53)}` : option,
  )
  const sketches = Object.fromEntries(
    ['sk(U2)', 'sk(V)'].map((name) => {
      const { data } = tensors.get(name)!
      const own = inside ? changed(data as Uint8Array, { m, matrix: psi }) : (data as Uint8Array)
      return [name, { dtype: 'U8' as const, shape: [own.length], data: own }]
    }),
  )
  return changed(bytes, { 'psi.m': m, psi }, sketches)
}

function changed(
  bytes: Uint8Array,
  parameters: Readonly<Record<string, string>>,
  tensors: Readonly<Record<string, Tensor>> = {},
): Uint8Array {
  const from = decodeSnapshot(bytes)
  return encodeSnapshot({
    ...from,
    parameters: { ...from.parameters, ...parameters },
    tensors: { ...Object.fromEntries(from.tensors), ...tensors },
  })
}
