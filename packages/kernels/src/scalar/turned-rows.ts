import type { CodeKernels } from '../code-kernels'
import { pack } from './pack'
import { turn } from './turn'

export const packTurned: CodeKernels['packTurned'] = (packed, first, x, rows, width, trials, centre, signs) => {
  const rest = Float64Array.from({ length: rows * width }, (_, i) => x[i] - centre[i % width])
  turn(rest, signs, rows, width)
  pack(packed, first, rest, rows, width, trials)
}

export const turnRows: CodeKernels['turnRows'] = (out, x, signs, rows, width, back) => {
  const data = Float64Array.from(x.subarray(0, rows * width))
  turn(data, signs, rows, width, back !== undefined)
  const most = back?.most ?? Infinity
  for (let i = 0; i < data.length; i++) {
    const entry = data[i] + (back ? (back.times?.[Math.floor(i / width)] ?? 1) * back.centre[i % width] : 0)
    out[i] = Math.max(-most, Math.min(most, entry))
  }
}
