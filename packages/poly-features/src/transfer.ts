/**
 * Bounds the move of an average when its weights move: the largest effect of factors in [least, most], in units of the range of the values.
 * Source: not from the papers. A linear-fractional functional is extreme where every factor is `least` or `most`, and the values at their ends; with share p of
 * the mass at one end the average moves by p·β/(p·β + (1 − p)·α) − p, most at p = √α/(√α + √β).
 *
 * Guarantee: (√β − √α)/(√β + √α)·(hi − lo), and two tokens reach it. For scores moved by at most η that is tanh(η/2)·(hi − lo).
 */
export function averageShift(least: number, most: number): number {
  const ratio = Math.sqrt(most / least)
  return ratio < Infinity ? (ratio - 1) / (ratio + 1) : 1
}

/**
 * The effect of a relative error ε of every weight on an average, in units of the largest |value|: twice `averageShift(1 − ε, 1 + ε)`, which is
 * 2·(1 − √(1 − ε²))/ε, near ε. It is never more than 2.
 */
export function outputError(error: number): number {
  return error < 1 ? (2 * error) / (1 + Math.sqrt(1 - error * error)) : 2
}
