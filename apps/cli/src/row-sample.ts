import type { Rows } from '@sublinear/io/node'
import { chance } from './chance'

const BLOCK = 1024
const DRAW = 0x5a3c

/** A sample of rows of a file, in place of all. */
export interface RowSample {
  /** Rows of the file, ascending. */
  readonly places: readonly number[]
  /** Number of rows of the file for which each stands: 1 for rows that are in every sample. Their sum over any kind of rows is right on average. */
  readonly weights: Float64Array
  /** Rows of the file. */
  readonly rows: number
  /** Number of rows with the largest norms among them. */
  readonly largest: number
  /** The largest norm of a row that is not among them; 0 where all rows are. */
  readonly unseen: number
}

/**
 * Samples rows: those with the largest norms, a quarter of `most`, and of the others each with a chance that grows with its norm, in two passes and bounded
 * memory.
 * Source: priority sampling (Duffield, Lund, Thorup, Priority Sampling for Estimation of Arbitrary Subset Sums, 2007): a row of size w draws u in (0, 1];
 *   the largest w/u stay, and stand for max(1, τ/w) rows where τ is the largest w/u that did not stay; Deviation: they stand for a common multiple of
 * that, so that together they
 *   stand for exactly all rows. A row's size is its norm plus the root mean square norm, so that none is neglected.
 *
 * Guarantee: a function of the file and of draw. Σ weight = rows; Σ weight·f(row) estimates Σ f(row) over the file, with a bias that falls as 1/most.
 *
 * @param file  fewer than 2^32 rows; most  most rows of the sample, ≥ 4; draw  number of the sample: another number gives other rows
 * @returns all rows, with weights of 1, where there are no more than that
 */
export async function sampleRows(
  file: Rows,
  most: number,
  { signal, draw = 0 }: { readonly signal?: AbortSignal; readonly draw?: number } = {},
): Promise<RowSample> {
  const { rows } = file
  if (rows <= most) {
    const places = Array.from({ length: rows }, (_, row) => row)
    return { places, weights: new Float64Array(rows).fill(1), rows, largest: rows, unseen: 0 }
  }
  let squares = 0
  await eachNorm(file, signal, (norm) => (squares += norm * norm))
  const least = Math.sqrt(squares / rows) || 1

  const largest = Math.floor(most / 4)
  let unseen = 0
  const drawn = highest(most - largest + 1, ({ norm }) => (unseen = Math.max(unseen, norm))) // the last is τ
  const loud = highest(largest, (entry) =>
    drawn.offer({ ...entry, priority: (entry.norm + least) / chance(DRAW, entry.row, draw) }),
  )
  await eachNorm(file, signal, (norm, row) => loud.offer({ row, norm, priority: norm }))
  const loudest = loud.all()
  const kept = [...drawn.all()]
  const last = kept.pop()!
  unseen = Math.max(unseen, last.norm)
  const found = [
    ...loudest.map(({ row }) => ({ row, weight: 1 })),
    ...kept.map(({ row, norm }) => ({ row, weight: Math.max(1, last.priority / (norm + least)) })),
  ]
  const sure = found.filter(({ weight }) => weight === 1).length
  const share = (rows - sure) / found.reduce((sum, { weight }) => sum + (weight > 1 ? weight : 0), 0)
  const all = found
    .map(({ row, weight }) => ({ row, weight: weight > 1 ? share * weight : 1 }))
    .toSorted((a, b) => a.row - b.row)
  return {
    places: all.map(({ row }) => row),
    weights: Float64Array.from(all, ({ weight }) => weight),
    rows,
    largest,
    unseen,
  }
}

interface Entry {
  readonly row: number
  readonly norm: number
  readonly priority: number
}

/** Keeps the entries of the highest priorities, of equals the earlier; calls `drop` with those that have no room. */
function highest(count: number, drop: (entry: Entry) => void) {
  const kept: Entry[] = []
  const prune = () => {
    kept.sort((a, b) => b.priority - a.priority || a.row - b.row)
    for (const entry of kept.splice(count)) drop(entry)
  }
  return {
    offer(entry: Entry) {
      kept.push(entry)
      if (kept.length >= 2 * count + BLOCK) prune()
    },
    /** Entries kept, the highest first. */
    all(): readonly Entry[] {
      prune()
      return kept
    },
  }
}

async function eachNorm(
  file: Rows,
  signal: AbortSignal | undefined,
  use: (norm: number, row: number) => void,
): Promise<void> {
  let row = 0
  for await (const { rows, cols, data } of file.blocks(BLOCK)) {
    signal?.throwIfAborted()
    for (let r = 0; r < rows; r++) {
      let square = 0
      for (let c = 0; c < cols; c++) square += data[r * cols + c] ** 2
      use(Math.sqrt(square), row++)
    }
  }
}
