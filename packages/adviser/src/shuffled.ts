import { matrix, philox, type Matrix } from '@sublinear/core'

/** Permutes rows: the values then have nothing to do with their keys. A round gives the same order each time. */
export function permuted(values: Matrix): (round: number) => Matrix {
  return (round) => {
    const { rows, cols, data } = values
    const words = wordsOf(rows, round, 0)
    const order = Array.from({ length: rows }, (_, i) => i).toSorted((a, b) => words[a] - words[b] || a - b)
    const out = matrix(rows, cols)
    for (const [to, from] of order.entries()) out.data.set(data.subarray(from * cols, (from + 1) * cols), to * cols)
    return out
  }
}

/** Gives each row a random sign: the values then have no mean. */
export function signed(values: Matrix): (round: number) => Matrix {
  return (round) => {
    const words = wordsOf(values.rows, round, 1)
    return { ...values, data: values.data.map((x, i) => (words[Math.floor(i / values.cols)] & 1 ? -x : x)) }
  }
}

function wordsOf(count: number, round: number, stream: number): Uint32Array {
  const four = new Uint32Array(4)
  return Uint32Array.from({ length: count }, (_, i) => {
    philox(four, round, 0, i, 0, 0, 0x706c0000 + stream)
    return four[0]
  })
}
