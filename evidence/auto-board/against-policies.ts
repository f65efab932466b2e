import { EVERY, meanError, MEAN, UNIFORM, type Policies, type PolicyRow } from '../policies/ask.ts'

/** Errors by head of a method at a share of the cache. */
type Row = Pick<PolicyRow, 'model' | 'method' | 'share' | 'errors'>

interface Mean {
  readonly method: string
  readonly error: number
}

/** Methods compared by model and share, means over the heads: the single policy that errs least, every token in the best bits, autoStream, and who is best of all. */
export interface Contest {
  readonly model: string
  readonly share: number
  readonly policy: Mean
  /** Absent where no bits fit. */
  readonly every?: Mean
  readonly ours: readonly Mean[]
  readonly best: Mean
}

/** autoStream, in the ways that its board knows, against every policy alone on the same heads. */
export function contests(auto: readonly Row[], single: Policies): Contest[] {
  const columns = auto.filter(({ method }) => method === auto[0].method)
  return columns.map(({ model, share }) => {
    const alone = meansAt(single.rows, model, share)
    const every = alone.find(({ method }) => method === EVERY)
    const policy = least(alone.filter(({ method }) => ![EVERY, MEAN, UNIFORM].includes(method)))
    const ours = meansAt(auto, model, share).filter(({ method }) => ![EVERY, MEAN].includes(method))
    return {
      model,
      share,
      policy,
      ...(every && { every }),
      ours,
      best: least([policy, ...(every ? [every] : []), ...ours]),
    }
  })
}

function meansAt(rows: readonly Row[], model: string, share: number): Mean[] {
  return rows.flatMap((row) => {
    const error = meanError(row)
    return row.model === model && row.share === share && error !== undefined ? [{ method: row.method, error }] : []
  })
}

const least = (found: readonly Mean[]) => found.reduce((best, one) => (one.error < best.error ? one : best))
const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`

/** Markdown: a column for each contest, the best named. */
export function againstPolicies(auto: readonly Row[], single: Policies): string {
  const columns = contests(auto, single)
  return [
    line(['held', ...columns.map(({ model, share }) => `${model}, 1/${share}`)]),
    line(['---', ...columns.map(() => '---')]),
    line(['best single policy', ...columns.map(({ policy }) => `${policy.error.toFixed(4)} ${policy.method}`)]),
    line([EVERY, ...columns.map(({ every }) => every?.error.toFixed(4) ?? '–')]),
    ...columns[0].ours.map(({ method }, i) =>
      line([`autoStream, ${method}`, ...columns.map(({ ours }) => ours[i].error.toFixed(4))]),
    ),
    line(['best', ...columns.map(({ best }) => best.method)]),
  ].join('\n')
}
