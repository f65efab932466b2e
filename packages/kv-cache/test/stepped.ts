import { rowsOf, type AttentionStream, type KvBlock, type Matrix } from '@sublinear/core'
import { random } from '@sublinear/laws'

/** Tokens whose first value is their place. */
export function tokensOf(
  n: number,
  seed: number,
  groups: number,
  weighted: boolean,
): { block: KvBlock; queries: Matrix } {
  const values = random(n, 2, seed + 1)
  for (let i = 0; i < n; i++) values.data[2 * i] = i
  const weights = random(n, 1, seed + 2).data.map((x) => 1.5 + x)
  return {
    block: { keys: random(n, 3, seed, 2), values, ...(weighted && { weights }) },
    queries: random(n * groups, 3, seed + 3, 2),
  }
}

/** Steps through the tokens, cut into pieces; averages and maxima, in turn. */
export function stepped(
  stream: AttentionStream,
  { block, queries }: ReturnType<typeof tokensOf>,
  groups: number,
  cut: readonly number[],
) {
  const answers: number[] = []
  for (let from = 0, i = 0; from < block.keys.rows; i++) {
    const to = Math.min(block.keys.rows, from + cut[i % cut.length])
    const piece = {
      keys: rowsOf(block.keys, from, to),
      values: rowsOf(block.values, from, to),
      ...(block.weights && { weights: block.weights.subarray(from, to) }),
    }
    const { max, mass, sum } = stream.step(piece, rowsOf(queries, from * groups, to * groups))
    for (let r = 0; r < mass.length; r++)
      for (let c = 0; c < 2; c++) answers.push(sum.data[2 * r + c] / mass[r], max[r])
    from = to
  }
  return answers
}
