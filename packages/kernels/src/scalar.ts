import type { AttentionBlock, Doubles, Floats, Kernels, ProductForm, Resident } from './kernels'

/** The reference kernels in plain JavaScript: the oracle of the tests, the baseline of the bench, the fallback without WASM SIMD. */
export const scalarKernels: Kernels = {
  name: 'scalar',
  floats: (length) => resident(new Float32Array(length)),
  doubles: (length) => resident(new Float64Array(length)),
  product,
  exp,
  softmaxStep,
  attend,
  addScaled,
  expandSigns,
  scatterAdd,
  monomials,
  dotRows,
  columnSums,
}

const arrays = new WeakMap<object, Float32Array | Float64Array>()

function resident<A extends Float32Array | Float64Array>(start: A): Resident<A> {
  let array: A | undefined = start
  const live = (): A => {
    if (!array) throw new TypeError('kernels: this resident array was disposed')
    return array
  }
  const self: Resident<A> = {
    length: start.length,
    range: (from, count) => {
      if (from < 0 || count < 0 || from + count > start.length) throw new RangeError('kernels: range outside the resident array')
      return resident(live().subarray(from, from + count) as A)
    },
    read: () => live().slice() as A,
    readInto: (out) => out.set(live()),
    write: (values, at = 0) => live().set(values, at),
    fill: (value) => void live().fill(value),
    [Symbol.dispose]: () => {
      array = undefined
      arrays.delete(self)
    },
  }
  arrays.set(self, start)
  return self
}

function floats(operand: Floats): Float32Array {
  return operand instanceof Float32Array ? operand : (backing(operand) as Float32Array)
}

function doubles(operand: Doubles): Float64Array {
  return operand instanceof Float64Array ? operand : (backing(operand) as Float64Array)
}

function backing(operand: object): Float32Array | Float64Array {
  const array = arrays.get(operand)
  if (!array) throw new TypeError('kernels: not a live resident array of these kernels')
  return array
}

function product(
  form: ProductForm,
  outOperand: Floats,
  aOperand: Floats,
  bOperand: Floats,
  rows: number,
  inner: number,
  cols: number,
  accumulate = false,
): void {
  const out = floats(outOperand)
  const a = floats(aOperand)
  const b = floats(bOperand)
  const [aRow, aInner] = form === 'tn' ? [1, rows] : [inner, 1]
  const [bInner, bCol] = form === 'nt' ? [1, inner] : [cols, 1]
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) {
      let total = 0
      for (let i = 0; i < inner; i++) total += a[r * aRow + i * aInner]! * b[i * bInner + c * bCol]!
      out[r * cols + c] = accumulate ? out[r * cols + c]! + total : total
    }
  }
}

function exp(outOperand: Floats, xOperand: Floats, count: number): void {
  const out = floats(outOperand)
  const x = floats(xOperand)
  for (let i = 0; i < count; i++) out[i] = Math.exp(x[i]!)
}

function softmaxStep(
  scoresOperand: Floats,
  maxOperand: Floats,
  massOperand: Doubles,
  rescaleOperand: Floats,
  rows: number,
  cols: number,
): void {
  const scores = floats(scoresOperand)
  const max = floats(maxOperand)
  const mass = doubles(massOperand)
  const rescale = floats(rescaleOperand)
  for (let r = 0; r < rows; r++) {
    let top = max[r]!
    for (let c = 0; c < cols; c++) top = Math.max(top, scores[r * cols + c]!)
    const factor = top === -Infinity || max[r] === top ? 1 : Math.exp(max[r]! - top)
    let total = 0
    for (let c = 0; c < cols; c++) {
      const p = top === -Infinity ? 0 : Math.exp(scores[r * cols + c]! - top)
      scores[r * cols + c] = p
      total += p
    }
    rescale[r] = factor
    mass[r] = mass[r]! * factor + total
    max[r] = top
  }
}

function attend({ rows, keyCount, d, dv, scale, causal, ...block }: AttentionBlock): void {
  const queries = floats(block.queries)
  const keys = floats(block.keys)
  const values = floats(block.values)
  const bias = block.bias && floats(block.bias)
  const max = floats(block.max)
  const mass = doubles(block.mass)
  const sum = floats(block.sum)
  const step = 64
  const p = new Float64Array(step)
  const output = new Float64Array(dv)
  for (let r = 0; r < rows; r++) {
    const visible = causal ? Math.min(keyCount, Math.max(0, causal.visible + Math.floor(r / causal.groups))) : keyCount
    for (let first = 0; first < visible; first += step) {
      const count = Math.min(step, visible - first)
      let top = max[r]!
      for (let j = 0; j < count; j++) {
        let score = 0
        for (let i = 0; i < d; i++) score += queries[r * d + i]! * keys[(first + j) * d + i]!
        score = Math.fround(score * scale + (bias ? bias[first + j]! : 0))
        p[j] = score
        top = Math.max(top, score)
      }
      const factor = max[r] === top ? 1 : Math.exp(max[r]! - top)
      let total = 0
      output.fill(0)
      for (let j = 0; j < count; j++) {
        const weight = Math.exp(p[j]! - top)
        total += weight
        for (let c = 0; c < dv; c++) output[c]! += weight * values[(first + j) * dv + c]!
      }
      for (let c = 0; c < dv; c++) sum[r * dv + c] = sum[r * dv + c]! * factor + output[c]!
      mass[r] = mass[r]! * factor + total
      max[r] = top
    }
  }
}

function addScaled(outOperand: Floats, xOperand: Floats, factor: number, count: number): void {
  const out = floats(outOperand)
  const x = floats(xOperand)
  for (let i = 0; i < count; i++) out[i]! += factor * x[i]!
}

function expandSigns(outOperand: Floats, words: Uint32Array, rows: number, count: number, unit: number): void {
  const out = floats(outOperand)
  const perRow = Math.ceil(count / 32)
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < count; c++) {
      out[r * count + c] = (words[r * perRow + (c >>> 5)]! >>> (c & 31)) & 1 ? -unit : unit
    }
  }
}

function scatterAdd(
  outOperand: Floats,
  blockOperand: Floats,
  targets: Uint32Array,
  factors: Float32Array,
  rows: number,
  nonzeros: number,
  width: number,
): void {
  const out = floats(outOperand)
  const block = floats(blockOperand)
  for (let r = 0; r < rows; r++) {
    for (let e = 0; e < nonzeros; e++) {
      const to = targets[r * nonzeros + e]! * width
      const factor = factors[r * nonzeros + e]!
      for (let c = 0; c < width; c++) out[to + c]! += factor * block[r * width + c]!
    }
  }
}

function monomials(
  outOperand: Floats,
  xOperand: Floats,
  ratios: Float32Array,
  rows: number,
  d: number,
  degree: number,
): void {
  const out = floats(outOperand)
  const x = floats(xOperand)
  const t = ratios.length
  const suffix = new Float64Array(d).fill(1)
  for (let r = 0; r < rows; r++) out[r * t] = ratios[0]!
  let next = 1
  for (let g = 1; g <= degree; g++) {
    const start = next
    for (let i = 0; i < d; i++) {
      const from = start - suffix[i]!
      const count = suffix[i]!
      for (let r = 0; r < rows; r++) {
        const xi = x[r * d + i]!
        for (let f = 0; f < count; f++) out[r * t + next + f] = xi * out[r * t + from + f]! * ratios[next + f]!
      }
      next += count
    }
    let total = 0
    for (let i = d - 1; i >= 0; i--) suffix[i] = total += suffix[i]!
  }
}

function dotRows(outOperand: Doubles, aOperand: Floats, xOperand: Doubles, rows: number, inner: number): void {
  const out = doubles(outOperand)
  const a = floats(aOperand)
  const x = doubles(xOperand)
  for (let r = 0; r < rows; r++) {
    let total = 0
    for (let i = 0; i < inner; i++) total += a[r * inner + i]! * x[i]!
    out[r] = total
  }
}

function columnSums(outOperand: Doubles, aOperand: Floats, rows: number, cols: number, weights?: Float32Array): void {
  const out = doubles(outOperand)
  const a = floats(aOperand)
  for (let r = 0; r < rows; r++) {
    const weight = weights ? weights[r]! : 1
    for (let c = 0; c < cols; c++) out[c]! += weight * a[r * cols + c]!
  }
}
