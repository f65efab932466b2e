import type { Shape } from '@sublinear/core'
import { scratch } from '@sublinear/kernels'
import { addMoments, copyMoments, momentsOf, noMoments, spreadSize, type ClosureMoments } from './closure-moments'
import type { FoldedState } from './folding-stream'
import { gaussianClosure } from './gaussian-closure'
import { labelled, nearest, seedCentres } from './key-clusters'

/** The largest float32. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127
const valueScratch = scratch(Float64Array)

/** Bytes of one closure. */
export function closureBytes({ d, dv }: Pick<Shape, 'd' | 'dv'>): number {
  return 4 * spreadSize(d, dv) + 16 * (d + dv) + 8
}

/**
 * Makes the state of a folding stream from one or more Gaussian closures. With several, the first block's keys choose the centres, and each
 * token joins the closure whose mean key is nearest when its block is folded. It counts the query rows answered (`rows`), and those of them to which a closure
 * beyond its freezing point contributed (`frozen`).
 *
 * Cost: 2·d·(d + 1) + 4·d·dv + 16·(d + dv) + 8 bytes a closure; 2·d·(d + dv) operations a closure and query, and a token.
 *
 * @param most  the most weight that all tokens count for; from  closures to start with, bit for bit
 */
export function closureState(
  { d, dv, scale }: Shape,
  { clusters, most }: { readonly clusters: number; readonly most: number },
  from?: readonly ClosureMoments[],
): FoldedState<readonly ClosureMoments[]> {
  const closures = from ?? Array.from({ length: clusters }, () => noMoments(d, dv))
  const counters = { rows: 0, frozen: 0 }
  const isEmpty = () => closures.every(({ weight }) => weight === 0)

  return {
    bytes: () => clusters * closureBytes({ d, dv }),
    counters,
    fold(held) {
      const block = held.read()
      if (clusters === 1) return addMoments(closures[0], momentsOf(block))
      if (isEmpty()) {
        for (const [c, centre] of seedCentres(block.keys, clusters).entries()) closures[c].mean.set(centre)
      }
      const labels = nearest(
        block.keys,
        closures.map(({ mean }) => mean.subarray(0, d)),
      )
      for (const [c, closure] of closures.entries()) {
        const own = labelled(block, labels, c)
        if (own.keys.rows > 0) addMoments(closure, momentsOf(own))
      }
    },
    answer(queries, max, mass, sum) {
      const { rows } = queries
      counters.rows += rows
      if (isEmpty()) return // the empty partial
      const asked = closures.filter(({ weight }) => weight > 0)
      const size = rows * dv
      const values = valueScratch(asked.length * size) // the values of one closure after the other
      const answers = asked.map((one, i) =>
        gaussianClosure(one, queries, scale, values.subarray(i * size, (i + 1) * size)),
      )
      const weight = most < Infinity ? asked.reduce((sum, one) => sum + one.weight, 0) : 0
      const fall = Math.max(0, Math.log(weight / most))
      if (fall > 0) for (const { levels } of answers) for (let r = 0; r < rows; r++) levels[r] -= fall
      for (let r = 0; r < rows; r++) {
        let top = -Infinity
        let frozen = 0
        for (let i = 0; i < answers.length; i++) {
          top = Math.max(top, answers[i].levels[r])
          frozen |= answers[i].frozen[r]
        }
        counters.frozen += frozen
        max[r] = Math.min(LARGEST, Math.max(-LARGEST, top))
        const rest = Math.min(1, Math.max(-1, top - max[r])) // the part that float32 rounded off; beyond 2^24 it is more, and without meaning
        for (let i = 0; i < answers.length; i++) {
          const share = Math.exp(answers[i].levels[r] - top + rest)
          mass[r] += share
          for (let c = r * dv; c < (r + 1) * dv; c++) sum[c] += share * values[i * size + c]
        }
      }
    },
    add(others) {
      for (const [c, other] of others.entries()) addMoments(closures[c], other)
    },
    read: () => closures.map(copyMoments),
    [Symbol.dispose]() {},
  }
}
