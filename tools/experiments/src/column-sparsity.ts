/**
 * `pnpm --filter @sublinear/experiments run column-sparsity`: are the columns of softmax(scale·QKᵀ)V near k-sparse, as the one-pass paper
 * assumes? Every head of the committed sample, beside columns of independent Gaussian numbers. Writes results/column-sparsity.json.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { exactAttention, type Matrix } from '@sublinear/attention'
import { kernels } from '@sublinear/kernels'
import { fourDigits } from './four-digits.ts'
import { sampleHeads } from './heads.ts'

/** k as a share of n. */
const SHARES = [1 / 64, 1 / 16, 1 / 4]

export interface Sparsity {
  readonly head: string
  /** Mean over columns of tail_k(y)/‖y‖, k = n/64, n/16, n/4. */
  readonly tails: readonly number[]
  /** The same for columns less their mean, which are what Φ sees where V is centred. */
  readonly centred: readonly number[]
}

export function tailsOf({ rows, cols, data }: Matrix, centre: boolean): number[] {
  const tails = SHARES.map(() => 0)
  for (let c = 0; c < cols; c++) {
    const column = Float64Array.from({ length: rows }, (_, r) => data[r * cols + c]!)
    const mean = centre ? column.reduce((a, b) => a + b, 0) / rows : 0
    const squares = column.map((x) => (x - mean) ** 2).toSorted()
    const whole = squares.reduce((a, b) => a + b, 0)
    for (const [i, share] of SHARES.entries()) {
      const tail = squares.subarray(0, rows - Math.round(share * rows)).reduce((a, b) => a + b, 0)
      tails[i]! += Math.sqrt(tail / whole) / cols
    }
  }
  return tails
}

export function measured(): Sparsity[] {
  const found = sampleHeads().map(({ name, queries, keys, values }) => {
    const outputs = exactAttention({ queries, keys, values, scale: 1 / Math.sqrt(keys.cols) })
    return { head: name, tails: tailsOf(outputs, false), centred: tailsOf(outputs, true) }
  })
  const noise = { rows: 4096, cols: 32, data: new Float32Array(4096 * 32) }
  kernels().normalColumns(noise.data, [1, 2], 0, 0, 4096, 32, 1)
  return [...found, { head: 'Gaussian columns', tails: tailsOf(noise, false), centred: tailsOf(noise, true) }]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = measured()
  writeFileSync(
    new URL('../results/column-sparsity.json', import.meta.url),
    `${JSON.stringify(result, fourDigits, 1)}\n`,
  )
  for (const { head, tails, centred } of result)
    console.log(head, tails.map((x) => x.toFixed(2)).join(' '), '| centred', centred.map((x) => x.toFixed(2)).join(' '))
}
