import type { CodeKernels } from '../code-kernels'
import { headerOf, roundedStep, shiftIn, stepIn, toEven } from './code-rows'
import { bytes, doubles } from './operands'

const fround = Math.fround

export const pack: CodeKernels['pack'] = ({ codes, offset, stride, bits }, first, x, rows, width, trials) => {
  const data = bytes(codes)
  const from = doubles(x)
  for (let r = 0; r < rows; r++) {
    const row = from.subarray(r * width, (r + 1) * width)
    const at = offset + (first + r) * stride
    const header = bestHeader(row, bits, trials)
    data[at] = header
    data[at + 1] = header >>> 8
    putCodes(data, at + 2, row, header, bits)
  }
}

/** The distance by which shift k moves the levels, in steps. */
const moved = (bits: number, k: number) => ((2 * k - 7) * 2 ** bits) / 64

function bestHeader(row: Float64Array, bits: number, trials: Float64Array): number {
  let [least, most] = [row[0], row[0]]
  for (const entry of row) {
    least = Math.min(least, entry)
    most = Math.max(most, entry)
  }
  const largest = Math.max(most, -least)
  if (!(largest > 0)) return 0
  const top = (2 ** bits - 1) / 2
  const reach = (k: number) => Math.max(most / (top + moved(bits, k)), -least / (top - moved(bits, k)))
  let middle = 0
  for (let k = 1; k < 8; k++) if (reach(k) < reach(middle)) middle = k
  const scaled = Float32Array.from(row, (entry) => entry / largest)
  let best = 0
  let error = Infinity
  for (const k of [middle, middle - 1, middle + 1]) {
    if (k < 0 || k > 7) continue
    for (const trial of trials) {
      const step = roundedStep(trial * reach(k))
      const unit = fround(step / largest)
      const own = fround(errorOf(scaled, bits, k, fround(largest / step)) * fround(unit * unit))
      if (step > 0 && own < error) {
        error = own
        best = headerOf(step, k)
      }
    }
  }
  return best
}

/** The squared error of a row in codes, in units of the squared step. */
function errorOf(scaled: Float32Array, bits: number, k: number, inverse: number): number {
  const shift = fround(0.5 + moved(bits, k))
  const size = 2 ** (bits - 1)
  let error = 0
  for (const x of scaled) {
    const y = fround(fround(x * inverse) - shift)
    const gap = fround(Math.max(-size, Math.min(size - 1, toEven(y))) - y)
    error = fround(error + fround(gap * gap))
  }
  return error
}

function putCodes(data: Uint8Array, at: number, row: Float64Array, header: number, bits: number): void {
  const [step, shift] = [stepIn(header), shiftIn(header, bits) / 16]
  const size = 2 ** (bits - 1)
  let waiting = 0 // bits that do not yet fill a byte
  let filled = 0
  for (const x of row) {
    const code = step > 0 ? Math.max(-size, Math.min(size - 1, toEven(x / step - shift))) : 0
    waiting |= (code & (2 ** bits - 1)) << filled
    for (filled += bits; filled >= 8; filled -= 8, waiting >>= 8) data[at++] = waiting
  }
  if (filled > 0) data[at] = waiting
}
