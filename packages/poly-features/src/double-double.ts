/**
 * A number as an unevaluated sum high + low of two doubles, |low| ≤ ulp(high)/2: about 104 bits, from + − × ÷ alone, so that what
 * is computed with them has the same bits on every engine.
 */
export type Pair = readonly [high: number, low: number]

const SPLIT = 2 ** 27 + 1

export const pair = (x: number): Pair => [x, 0]

export function plus(a: Pair, b: Pair): Pair {
  const [sum, error] = twoSum(a[0], b[0])
  const [low, rest] = twoSum(a[1], b[1])
  const [high, carry] = fastSum(sum, error + low)
  return fastSum(high, carry + rest)
}

export const minus = (a: Pair, b: Pair): Pair => plus(a, [-b[0], -b[1]])

export function times(a: Pair, b: Pair): Pair {
  const [high, low] = twoProduct(a[0], b[0])
  return fastSum(high, low + (a[0] * b[1] + a[1] * b[0]))
}

export function over(a: Pair, b: Pair): Pair {
  const first = a[0] / b[0]
  const left = minus(a, times(b, pair(first)))
  const second = left[0] / b[0]
  const rest = minus(left, times(b, pair(second)))
  const [high, low] = fastSum(first, second)
  return fastSum(high, low + rest[0] / b[0])
}

/** e^x for |x| ≤ 64: the Taylor series at x/256, squared eight times. */
export function exponential(x: number): Pair {
  const small = pair(x / 256)
  let sum = pair(1)
  for (let j = 24; j >= 1; j--) sum = plus(pair(1), over(times(small, sum), pair(j)))
  for (let i = 0; i < 8; i++) sum = times(sum, sum)
  return sum
}

function twoSum(a: number, b: number): Pair {
  const sum = a + b
  const part = sum - a
  return [sum, a - (sum - part) + (b - part)]
}

/** The same where |a| ≥ |b|. */
function fastSum(a: number, b: number): Pair {
  const sum = a + b
  return [sum, b - (sum - a)]
}

function twoProduct(a: number, b: number): Pair {
  const product = a * b
  const [a1, a2] = halves(a)
  const [b1, b2] = halves(b)
  return [product, a1 * b1 - product + a1 * b2 + a2 * b1 + a2 * b2]
}

function halves(x: number): Pair {
  const large = SPLIT * x
  const high = large - (large - x)
  return [high, x - high]
}
