/** 2^{i/64} for exponents −128 … 127. */
const powers = Float64Array.from({ length: 256 * 64 }, (_, i) => 2 ** ((i - 128 * 64) / 64))
const PER_UNIT = 64 / Math.LN2
const STEP = Math.LN2 / 64
/** A number that rounds a double to a whole number when it is added and subtracted again. */
const ROUND = 3 * 2 ** 51

/**
 * out[i] = exp(x[i]) for |x[i]| ≤ 87, by a table of 64ths of powers of two and a cubic: relative error 6e-8 after rounding to
 * float32. It was the fastest of seven forms in plain JavaScript (quintics with a table or exponent bits, cubics, quadratics).
 */
export function tableExp(out: Float32Array, x: Float32Array, count: number): void {
  for (let i = 0; i < count; i++) {
    const v = x[i] * PER_UNIT
    const k = v + ROUND - ROUND
    const r = (v - k) * STEP
    out[i] = powers[(k + 8192) | 0] * (1 + r * (1 + r * (0.5 + r * (1 / 6))))
  }
}

/** 2^n for n = −128 … 127. */
const wholePowers = Float64Array.from({ length: 256 }, (_, i) => 2 ** (i - 128))

/** out[i] = exp(x[i]) for |x[i]| ≤ 87, by range reduction to |r| ≤ ln 2 / 2 and a quintic alone, as the kernel computes it: relative error 3e-6. */
export function polynomialExp(out: Float32Array, x: Float32Array, count: number): void {
  for (let i = 0; i < count; i++) {
    const v = x[i] * Math.LOG2E
    const k = v + ROUND - ROUND
    const r = (v - k) * Math.LN2
    out[i] = wholePowers[(k + 128) | 0] * (1 + r * (1 + r * (0.5 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120))))))
  }
}

export function mathExp(out: Float32Array, x: Float32Array, count: number): void {
  for (let i = 0; i < count; i++) out[i] = Math.exp(x[i])
}
