/** Monomials as a table: feature f is feature parents[f] times variable coordinates[f]; feature 0 is the constant. */
export interface MonomialTable {
  readonly parents: Uint32Array // t
  readonly coordinates: Uint32Array // t
}

interface Candidate {
  readonly score: number
  readonly order: number
  readonly from: number
  readonly variable: number
}

/**
 * Searches, best first, for the t monomials of highest score ∏ w_i^{e_i}/√(e_i!). An exponent is a candidate once all lower ones are chosen:
 * whenever x^e is in the table, so is every divisor. Ties go to the lower variable and the earlier monomial.
 * Source: not from the papers.
 *
 * Cost: O(t·d) operations on integers, and a heap.
 *
 * @param weights  typical size of each variable's product, d numbers ≥ 0
 * @returns a table in the order of selection; fewer than t where the degree ends first
 */
export function bestMonomials(weights: ArrayLike<number>, t: number, mostDegree: number): MonomialTable {
  const d = weights.length
  const parents = [0]
  const coordinates = [0]
  const scores = [1]
  const degrees = [0]
  const products: Int32Array[] = [new Int32Array(d).fill(-1)] // products[f][i]: the feature x_i·f, if chosen
  const quotients: Map<number, number>[] = [new Map()] // quotients[f].get(i): the feature f/x_i
  const exponents: Map<number, number>[] = [new Map()]
  const heap: Candidate[] = []
  let order = 0

  /** Makes x_i·f a candidate when all its other divisors are chosen; that happens for exactly one f. */
  const offer = (f: number) => {
    if (degrees[f] >= mostDegree) return
    for (let i = 0; i < d; i++) {
      let ready = true
      for (const [j, lower] of quotients[f]) ready &&= j === i || products[lower][i] >= 0
      if (!ready) continue
      const score = (scores[f] * weights[i]) / Math.sqrt((exponents[f].get(i) ?? 0) + 1)
      push(heap, { score, order: order++, from: f, variable: i })
    }
  }
  offer(0)
  while (parents.length < t && heap.length > 0) {
    const { score, from, variable } = pop(heap)
    const f = parents.length
    parents.push(from)
    coordinates.push(variable)
    scores.push(score)
    degrees.push(degrees[from] + 1)
    products.push(new Int32Array(d).fill(-1))
    exponents.push(new Map(exponents[from]).set(variable, (exponents[from].get(variable) ?? 0) + 1))
    const lower = new Map([[variable, from]])
    for (const [j, quotient] of quotients[from]) if (j !== variable) lower.set(j, products[quotient][variable])
    quotients.push(lower)
    for (const [j, quotient] of lower) products[quotient][j] = f
    offer(f)
  }
  return { parents: Uint32Array.from(parents), coordinates: Uint32Array.from(coordinates) }
}

const isBefore = (a: Candidate, b: Candidate) => a.score > b.score || (a.score === b.score && a.order < b.order)

function push(heap: Candidate[], item: Candidate): void {
  let at = heap.push(item) - 1
  while (at > 0) {
    const above = (at - 1) >> 1
    if (!isBefore(item, heap[above])) break
    heap[at] = heap[above]
    at = above
  }
  heap[at] = item
}

function pop(heap: Candidate[]): Candidate {
  const top = heap[0]
  const item = heap.pop()!
  for (let at = 0; heap.length > 0;) {
    let below = 2 * at + 1
    if (below + 1 < heap.length && isBefore(heap[below + 1], heap[below])) below++
    if (below >= heap.length || isBefore(item, heap[below])) {
      heap[at] = item
      break
    }
    heap[at] = heap[below]
    at = below
  }
  return top
}
