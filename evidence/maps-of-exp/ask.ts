/**
 * `node evidence/maps-of-exp/ask.ts`: every feature map at equal features on keys and queries of small, middling and skewed scores.
 */
import { matrix, type FeatureMap, type Matrix } from '@sublinear/core'
import { exactAttention, normalise } from '@sublinear/exact-attention'
import {
  anisotropicFeatures,
  featureDimension,
  minimaxFeatures,
  nystromFeatures,
  randomFeatures,
  taylorFeatures,
  tensorSketchFeatures,
  trigonometricFeatures,
} from '@sublinear/poly-features'
import { featureStream } from '@sublinear/streaming-attention'
import { randomOf } from '../recovery-trials/families.ts'
import { main, type Experiment } from '../kit/experiment.ts'
import { plot } from '../kit/plot.ts'

const [KEYS, PILOT, QUERIES, DV, SEEDS] = [2000, 1000, 200, 4, 5]

interface Cell {
  readonly name: string
  readonly d: number
  readonly degree: number
  /** Standard deviation of the scores. */
  readonly spread: number
  /** Coordinate i has the size (i + 1)^−decay. */
  readonly decay: number
}
const CELLS: readonly Cell[] = [
  { name: 'd 8, sd 0.5', d: 8, degree: 3, spread: 0.5, decay: 0 },
  { name: 'd 8, sd 1', d: 8, degree: 3, spread: 1, decay: 0 },
  { name: 'd 8, sd 2', d: 8, degree: 3, spread: 2, decay: 0 },
  { name: 'd 16, sd 1', d: 16, degree: 2, spread: 1, decay: 0 },
  { name: 'd 16, skewed, sd 2', d: 16, degree: 2, spread: 2, decay: 1 },
]

export interface MapsOfExp {
  readonly cells: readonly { readonly name: string; readonly t: number }[]
  /** Relative Frobenius error of the outputs, the mean over five seeds of data (and of the map); undefined where it does not apply. */
  readonly rows: readonly { readonly by: string; readonly errors: readonly number[] }[]
}

function cloud(rows: number, { d, decay }: Cell, seed: number): Matrix {
  const random = randomOf(seed)
  const out = matrix(rows, d)
  const normals = random.normals(out.data.length)
  for (let i = 0; i < out.data.length; i++) out.data[i] = normals[i] * ((i % d) + 1) ** -decay
  return out
}

type Make = (of: {
  cell: Cell
  t: number
  scale: number
  pilotKeys: Matrix
  pilotQueries: Matrix
  seed: number
}) => FeatureMap
const MAPS: Readonly<Record<string, Make>> = {
  taylor: ({ cell: { d, degree }, scale }) => taylorFeatures({ d, degree, scale }),
  'minimax, radius 2': ({ cell: { d, degree }, scale }) => minimaxFeatures({ d, degree, scale, radius: 2 }),
  anisotropic: ({ t, scale, pilotKeys, pilotQueries }) => anisotropicFeatures({ pilotKeys, pilotQueries, t, scale }),
  nystrom: ({ t, scale, pilotKeys }) => nystromFeatures({ pilotKeys, t, scale }),
  trigonometric: ({ cell: { d }, t, scale, seed }) => trigonometricFeatures({ d, t: t - (t % 2), scale, seed }),
  random: ({ cell: { d }, t, scale, seed }) => randomFeatures({ d, t, scale, seed }),
  'tensor sketch': ({ cell: { d, degree }, t, scale, seed }) => tensorSketchFeatures({ d, degree, t, scale, seed }),
}

function errorOf(answer: Matrix, truth: Matrix): number {
  let [off, all] = [0, 0]
  for (const [i, x] of truth.data.entries()) {
    off += (answer.data[i] - x) ** 2
    all += x * x
  }
  return Math.sqrt(off / all)
}

/** Errors of the streams' answers, their fallbacks with them; the last row is the mean of the values. */
export function mapsOfExp(): MapsOfExp {
  const names = [...Object.keys(MAPS), 'mean of the values']
  const errors = names.map(() => CELLS.map(() => 0))
  for (const [c, cell] of CELLS.entries()) {
    const { d, degree, spread, decay } = cell
    let energy = 0
    for (let i = 0; i < d; i++) energy += (i + 1) ** (-4 * decay)
    const scale = spread / Math.sqrt(energy)
    for (let seed = 1; seed <= SEEDS; seed++) {
      const [keys, pilotKeys] = [cloud(KEYS, cell, 10 * seed), cloud(PILOT, cell, 10 * seed + 1)]
      const [queries, pilotQueries] = [cloud(QUERIES, cell, 10 * seed + 2), cloud(QUERIES, cell, 10 * seed + 3)]
      const values = cloud(KEYS, { ...cell, d: DV, decay: 0 }, 10 * seed + 4)
      for (let i = 0; i < values.data.length; i++) values.data[i] += keys.data[Math.floor(i / DV) * d + (i % DV)]
      const truth = exactAttention({ queries, keys, values, scale })
      for (const [m, name] of names.entries()) {
        const make = MAPS[name]
        const t = featureDimension(d, degree)
        const features = make
          ? make({ cell, t, scale, pilotKeys, pilotQueries, seed })
          : taylorFeatures({ d, degree: 0, scale })
        const stream = featureStream({ features, dv: DV })
        stream.push({ keys, values })
        errors[m][c] += errorOf(normalise(stream.attend(queries)), truth) / SEEDS
      }
    }
  }
  return {
    cells: CELLS.map(({ name, d, degree }) => ({ name, t: featureDimension(d, degree) })),
    rows: names.map((by, m) => ({ by, errors: errors[m] })),
  }
}

export function mapsTable({ cells, rows }: MapsOfExp): string {
  const best = cells.map((_, c) => Math.min(...rows.map(({ errors }) => errors[c])))
  const figure = (x: number, c: number) => (x === best[c] ? `**${x.toPrecision(3)}**` : x.toPrecision(3))
  return [
    `| map | ${cells.map(({ name, t }) => `${name}, t ${t}`).join(' | ')} |`,
    `| --- |${' --- |'.repeat(cells.length)}`,
    ...rows.map(({ by, errors }) => `| ${by} | ${errors.map(figure).join(' | ')} |`),
  ].join('\n')
}

export const mapsOfExponential: Experiment<MapsOfExp> = {
  name: 'maps-of-exp',
  question: 'Which map of exp is best with equal numbers of features?',
  inALine: ({ cells, rows }) =>
    cells
      .map(({ name }, c) => {
        const [{ by, errors }] = rows.toSorted((a, b) => a.errors[c] - b.errors[c])
        return `${by} at ${name} (error ${errors[c].toPrecision(2)})`
      })
      .join('; '),
  asks:
    'How do all maps compare, with equal numbers of features, as streams use them (with fallbacks)? The error is the relative error of the outputs on 2,000 Gaussian keys, with pilots of 1,000, and the mean of ' +
    'five seeds; `sd` is the standard deviation of the scores.',
  run: mapsOfExp,
  answer: mapsTable,
  picture: ({ rows }) =>
    plot('Maps of exp in equal features', [
      {
        title: 'd = 8, Gaussian keys',
        x: { label: 'standard deviation of the scores' },
        y: { label: 'relative error', log: true },
        lines: rows.map(({ by, errors }) => ({
          name: by,
          points: CELLS.flatMap(({ d, spread }, c) => (d === 8 ? [[spread, errors[c]] as const] : [])),
        })),
      },
    ]),
}

await main(import.meta.url, mapsOfExponential)
