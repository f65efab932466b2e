/** Record of the rows of a matrix that have been seen, in constant memory. */
export interface RowLedger {
  readonly count: number
  /** One more than the highest row index seen. */
  readonly next: number
  /** Notes rows first … first + count − 1. */
  add(first: number, count: number): void
  merge(other: RowLedger): void
  /** Whether the other ledger has seen the same rows, each as often. */
  matches(other: RowLedger): boolean
  /** The whole ledger as text, for a snapshot. */
  readonly text: string
}

/**
 * Makes a ledger of rows that arrive in any order, from any shard: their number, the sum of their indices and the sum of the squares. It
 * notices when one side of a product lacks a row.
 *
 * Guarantee: ledgers of the same rows match; ledgers that differ by one row, or by one row in place of another, do not.
 * Cost: a few BigInt operations a block.
 *
 * @param text  text of a ledger to go on with
 * @throws RangeError when the text is malformed
 */
export function rowLedger(text = '0,0,0,0'): RowLedger {
  if (!isLedger(text)) throw new RangeError('rowLedger: the text must be four whole numbers >= 0')
  const read = text.split(',')
  let [count, next] = [Number(read[0]), Number(read[1])]
  let [sum, squares] = [BigInt(read[2]), BigInt(read[3])]
  return {
    get count() {
      return count
    },
    get next() {
      return next
    },
    get text() {
      return [count, next, sum, squares].join(',')
    },
    add(first, rows) {
      if (rows === 0) return
      count += rows
      next = Math.max(next, first + rows)
      const [from, to] = [BigInt(first), BigInt(first + rows)]
      sum += sumBelow(to) - sumBelow(from)
      squares += squaresBelow(to) - squaresBelow(from)
    },
    merge(other) {
      const theirs = other.text.split(',')
      count += Number(theirs[0])
      next = Math.max(next, Number(theirs[1]))
      sum += BigInt(theirs[2])
      squares += BigInt(theirs[3])
    },
    matches: (other) => [count, sum, squares].join(',') === other.text.replace(/,\d+/, ''),
  }
}

/** Whether a text can be one of a ledger. */
export function isLedger(text: string): boolean {
  return /^\d{1,16}(,\d{1,80}){3}$/.test(text)
}

/** The sum 0 + 1 + … + (n − 1). */
function sumBelow(n: bigint): bigint {
  return (n * (n - 1n)) / 2n
}

/** The sum 0² + 1² + … + (n − 1)². */
function squaresBelow(n: bigint): bigint {
  return (n * (n - 1n) * (2n * n - 1n)) / 6n
}
