import fc from 'fast-check'
import { insist, law, type Law } from './law'

/** All functions of a family, as tables. */
export interface SmallFamily {
  readonly functions: number
  readonly keys: number
  /** Values are 0 … values − 1. */
  readonly values: number
  readonly value: (index: number, key: number) => number
  /** Whether independence of one more key must fail: the negative control. Default true. */
  readonly sharp?: boolean | undefined
}

/** The law of k-wise independence without statistics: at every k keys, each tuple of values comes from equally many functions. */
export function smallFamilyLaw(family: SmallFamily, independence: number): Law {
  const { functions, keys, values, sharp = true } = family
  return law(
    {
      name: `over the small field, all ${functions} functions are exactly ${independence}-wise independent`,
      kills: [
        'a leading coefficient that is never 0',
        'a value that is favoured by one function',
        'a weaker construction',
      ],
      runs: 1,
    },
    fc.constant(0),
    () => {
      const tables = Array.from({ length: functions }, (_, f) =>
        Uint8Array.from({ length: keys }, (_, key) => family.value(f, key)),
      )
      const fails = firstUnequal(tables, keys, values, independence)
      insist(!fails, `the values at keys ${fails?.join(', ')} are not equally often every tuple`)
      if (!sharp || independence >= keys) return
      insist(!!firstUnequal(tables, keys, values, independence + 1), `even ${independence + 1} keys are independent`)
    },
  )
}

/** The first `size` keys whose tuples of values are not equally frequent. */
function firstUnequal(tables: readonly Uint8Array[], keys: number, values: number, size: number): number[] | undefined {
  const chosen = Array.from({ length: size }, (_, i) => i)
  const share = tables.length / values ** size
  for (;;) {
    const seen = new Uint32Array(values ** size)
    for (const table of tables) {
      let at = 0
      for (const key of chosen) at = at * values + table[key]
      seen[at]++
    }
    if (seen.some((count) => count !== share)) return chosen
    let last = size - 1 // the next subset, in lexicographic order
    while (last >= 0 && chosen[last] === keys - size + last) last--
    if (last < 0) return undefined
    chosen[last]++
    for (let i = last + 1; i < size; i++) chosen[i] = chosen[i - 1] + 1
  }
}
