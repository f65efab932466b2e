/** Points in a bin of a curve. */
const BIN = 32

export const curvePoints = (count: number): number => Math.max(2, Math.floor(count / BIN))

/** Fits y as a function of x: means over bins of equal count, straight lines between and beyond them. */
export function curveOf(x: Float64Array, y: Float64Array): (at: number) => number {
  const bins = curvePoints(x.length)
  const order = Array.from(x.keys()).toSorted((a, b) => x[a] - x[b] || a - b)
  const xs = new Float64Array(bins)
  const ys = new Float64Array(bins)
  for (let bin = 0; bin < bins; bin++) {
    const members = order.slice(Math.floor((bin * x.length) / bins), Math.floor(((bin + 1) * x.length) / bins))
    for (const i of members) {
      xs[bin] += x[i] / members.length
      ys[bin] += y[i] / members.length
    }
  }
  return (at) => {
    let bin = 0
    while (bin < bins - 2 && at > xs[bin + 1]) bin++
    const width = xs[bin + 1] - xs[bin]
    return width > 0 ? ys[bin] + ((ys[bin + 1] - ys[bin]) * (at - xs[bin])) / width : ys[bin]
  }
}
