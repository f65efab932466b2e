import type { AttentionStream, KvBlock, Matrix, PartialSoftmax } from './contracts'
import { checkBlock, checkKeys } from './check'
import { rowsOf } from './matrix'
import { emptySpread, type AskBars } from './spread'

/**
 * The number of query rows that belong to a token: queries.rows / block.rows, a whole number ≥ 1 (1 for an empty block). @throws RangeError when it is not whole
 */
export function queryGroups(who: string, block: KvBlock, queries: Matrix): number {
  const tokens = block.keys.rows
  if (tokens === 0 && queries.rows === 0) return 1
  const groups = queries.rows / tokens
  if (!Number.isInteger(groups) || groups < 1) {
    throw new RangeError(
      `${who}: queries must have a whole number of rows for each of the ${tokens} tokens, got ${queries.rows}`,
    )
  }
  return groups
}

/** A partial softmax of `rows` empty rows, (−∞, 0, 0); with a spread where error bars are asked for. */
export function emptyPartial(rows: number, dv: number, withBars = false): PartialSoftmax {
  return {
    ...(withBars && { spread: emptySpread(rows, dv) }),
    max: new Float32Array(rows).fill(-Infinity),
    mass: new Float64Array(rows),
    sum: { rows, cols: dv, data: new Float32Array(rows * dv) },
  }
}

/** Tells whether what a caller gives beside its queries is a partial to continue, and not the option that asks for error bars. */
export function isPartial(into: PartialSoftmax | AskBars | undefined): into is PartialSoftmax {
  return into !== undefined && 'mass' in into
}

/** Tells whether error bars are asked for: by the option, or by a partial that has a spread. */
export function asksBars(into: PartialSoftmax | AskBars | undefined): boolean {
  if (into === undefined) return false
  return isPartial(into) ? into.spread !== undefined : into.errorBars === true
}

/**
 * The generic causal step: pushes token by token and asks `attend`. Every stream's own, faster step must agree with it.
 *
 * @param block  b tokens
 * @param queries  groups · b rows; row i·groups + g belongs to token i
 * @throws TypeError, RangeError when a shape or an entry is wrong, before anything is pushed
 */
export function stepByToken(
  stream: Pick<AttentionStream, 'd' | 'dv' | 'push' | 'attend'>,
  block: KvBlock,
  queries: Matrix,
): PartialSoftmax {
  const { d, dv } = stream
  checkBlock('step', block, d, dv)
  checkKeys('step', 'queries', queries, d)
  const groups = queryGroups('step', block, queries)
  const out = emptyPartial(queries.rows, dv)
  for (let i = 0; i < block.keys.rows; i++) {
    const { weights } = block
    stream.push({
      keys: rowsOf(block.keys, i, i + 1),
      values: rowsOf(block.values, i, i + 1),
      ...(weights && { weights: weights.subarray(i, i + 1) }),
    })
    const answer = stream.attend(rowsOf(queries, i * groups, (i + 1) * groups))
    out.max.set(answer.max, i * groups)
    out.mass.set(answer.mass, i * groups)
    out.sum.data.set(answer.sum.data, i * groups * dv)
  }
  return out
}
