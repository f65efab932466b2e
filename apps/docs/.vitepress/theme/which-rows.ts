/** A board of all captured heads, as evidence/board/full.json has it. */
export interface FullBoard {
  readonly models: readonly {
    readonly model: string
    readonly heads: readonly string[]
    readonly uniform: readonly number[]
    readonly rows: readonly {
      readonly stream: string
      readonly budget: string
      /** Null on heads where it has no result. */
      readonly errors?: readonly (number | null)[] | undefined
    }[]
  }[]
}

/** A method in one budget on the heads of one model. */
export interface WhichRow {
  readonly model: string
  readonly budget: string
  readonly method: string
  /** Relative errors over the heads: the middle one, and the largest. */
  readonly median: number
  readonly worst: number
  /** Heads on which it is at most a tenth above the best method of that head. */
  readonly near: number
  readonly heads: number
}

const NEAR = 1.1

/** Every method that has a result on all heads: what the table of *which method?* shows. */
export function whichRows({ models }: FullBoard): WhichRow[] {
  return models.flatMap(({ model, heads, rows }) => {
    const known = rows.flatMap(({ errors = [], ...row }) => {
      const own = errors.filter((error) => error !== null)
      return own.length === heads.length ? [{ ...row, errors: own }] : []
    })
    return known.map(({ stream, budget, errors }) => {
      const rivals = known.filter((one) => one.budget === budget)
      const near = errors.filter((error, h) => error <= NEAR * Math.min(...rivals.map((one) => one.errors[h]))).length
      return {
        model,
        budget,
        method: stream,
        median: median(errors),
        worst: Math.max(...errors),
        near,
        heads: heads.length,
      }
    })
  })
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const half = sorted.length / 2
  return (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2
}

/** What a method learns from, and the features of a head that it computes: a row of docs/methods.md. */
export interface MethodTraits {
  readonly learns: string
  readonly can: readonly string[]
}

/** The traits of all methods, from the page that lists them. */
export function traitsOf(page: string): Record<string, MethodTraits> {
  const rows = page.matchAll(/^\| \[`(\w+)`\][^|]*\| \w+ \| ([^|]*) \| ([^|]*) \|/gm)
  return Object.fromEntries(
    Array.from(rows, ([, name, learns, can]) => [
      name,
      { learns, can: Array.from(can.matchAll(/`(\w+)`/g), ([, one]) => one) },
    ]),
  )
}
