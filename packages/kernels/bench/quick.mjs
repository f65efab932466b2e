// Ratios of the SIMD kernels to plain JavaScript and to the register-only peak: `pnpm run build && node bench/quick.mjs [filter]`.
// Variants run interleaved in one process; a number is the median over rounds of CPU time, each sample some 8 ms of work.
import * as own from '../dist/index.js'

const { peakProbe } = own
const simd = {
  ...own.simdSketchKernels(),
  ...own.simdFeatureKernels(),
  ...own.simdAttentionKernels(),
  ...own.simdKernels(),
}
const scalar = {
  ...own.scalarSketchKernels,
  ...own.scalarFeatureKernels,
  ...own.scalarAttentionKernels,
  ...own.scalarKernels,
}
const powers = Float64Array.from({ length: 300 }, (_, i) => 2 ** (i - 150))
const filter = process.argv[2] ?? ''
const rounds = Number(process.argv[3] ?? 15)
const random = (n, scale = 1) => Float32Array.from({ length: n }, () => (Math.random() * 2 - 1) * scale)
const resident = (array) => {
  const kept = simd.floats(array.length)
  kept.write(array)
  return kept
}

function cpu() {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Median µs of one call of every variant. */
function measure(variants) {
  const names = Object.keys(variants)
  const calls = {}
  const samples = {}
  for (const name of names) {
    variants[name]()
    const start = cpu()
    let done = 0
    while (cpu() - start < 60000) {
      variants[name]()
      done++
    }
    calls[name] = Math.max(1, Math.round((done * 8000) / (cpu() - start)))
    samples[name] = []
  }
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      const start = cpu()
      for (let i = 0; i < calls[name]; i++) variants[name]()
      samples[name].push((cpu() - start) / calls[name])
    }
  }
  return Object.fromEntries(names.map((name) => [name, samples[name].toSorted((a, b) => a - b)[rounds >> 1]]))
}

function row(title, variants, flops, unit = 1) {
  if (!title.includes(filter)) return
  const { peak, ...times } = measure(flops ? { ...variants, peak: () => peakProbe(20000) } : variants)
  const parts = Object.entries(times).map(([name, us]) => `${name} ${((us * 1000) / unit).toPrecision(4)}`)
  const base = times.scalar
  const ratios = base
    ? Object.entries(times)
        .filter(([name]) => name !== 'scalar')
        .map(([name, us]) => `${name} ${(base / us).toFixed(1)}x`)
    : []
  const rates = flops
    ? Object.entries(times).map(
        ([name, us]) =>
          `${name} ${(flops / us / 1000).toFixed(1)} GF (${((100 * flops * peak) / us / (20000 * 96)).toFixed(0)}%)`,
      )
    : []
  console.log(
    [title.padEnd(34), `ns: ${parts.join(', ')}`, ratios.join(', '), rates.join(', ')].filter(Boolean).join(' | '),
  )
}

console.log(`Node ${process.version}`)
for (const [form, rows, inner, cols, accumulate] of [
  ['nt', 256, 64, 256, false],
  ['nn', 256, 64, 256, false],
  ['nt', 256, 32, 256, false],
  ['nt', 256, 128, 256, false],
  ['nt', 256, 100, 256, false],
  ['tn', 561, 64, 32, true],
  ['tn', 2145, 64, 64, true],
  ['nn', 64, 561, 64, false],
  ['nn', 64, 2145, 64, false],
  ['nn', 1, 2145, 64, false],
  ['nt', 1, 64, 256, false],
  ['nt', 4, 64, 256, false],
  ['tn', 2145, 1, 64, true],
  ['nn', 512, 512, 512, false],
  ['nt', 1024, 64, 1, false],
  ['nn', 64, 561, 1, false],
]) {
  const a = random(rows * inner)
  const b = random(inner * cols)
  const out = random(rows * cols)
  const [ra, rb, ro] = [a, b, out].map(resident)
  row(
    `product ${form} ${rows}x${inner}x${cols}${accumulate ? ' +=' : ''}`,
    {
      scalar: () => scalar.product(form, out, a, b, rows, inner, cols, accumulate),
      simd: () => simd.product(form, ro, ra, rb, rows, inner, cols, accumulate),
      copied: () => simd.product(form, out, a, b, rows, inner, cols, accumulate),
    },
    2 * rows * inner * cols,
  )
}

{
  const x = random(4096, 20)
  const out = new Float32Array(4096)
  const [rx, ro] = [x, out].map(resident)
  row(
    'exp 4096',
    {
      scalar: () => scalar.exp(out, x, 4096),
      polynomial: () => polynomialExp(out, x, 4096),
      simd: () => simd.exp(ro, rx, 4096),
      copied: () => simd.exp(out, x, 4096),
    },
    0,
    4096,
  )
}

{
  const [m, b, w] = [1024, 64, 64]
  const words = Uint32Array.from({ length: (m * b) / 32 }, () => Math.random() * 2 ** 32)
  const block = random(b * w)
  const state = random(m * w)
  const signs = new Float32Array(m * b)
  scalar.expandSigns(signs, words, m, b, 1 / 32)
  const [rs, rb, rg] = [state, block, signs].map(resident)
  row(
    'sign sketch m=1024 w=64 b=64',
    {
      scalar: () => scalar.product('nn', state, signs, block, m, b, w, true),
      simd: () => {
        simd.expandSigns(rg, words, m, b, 1 / 32)
        simd.product('nn', rs, rg, rb, m, b, w, true)
      },
      copied: () => {
        simd.expandSigns(rg, words, m, b, 1 / 32)
        simd.product('nn', state, rg, block, m, b, w, true)
      },
    },
    2 * m * b * w,
  )
}

for (const [d, degree, t] of [
  [32, 2, 561],
  [64, 2, 2145],
  [16, 3, 969],
  [16, 4, 4845],
]) {
  const rows = 64
  const x = random(rows * d)
  const ratios = random(t)
  const out = new Float32Array(rows * t)
  const [rx, ro] = [x, out].map(resident)
  row(
    `monomials d=${d} degree ${degree}`,
    {
      scalar: () => scalar.monomials(out, x, ratios, rows, d, degree),
      simd: () => simd.monomials(ro, rx, ratios, rows, d, degree),
      copied: () => simd.monomials(out, x, ratios, rows, d, degree),
      'one row': () => {
        for (let r = 0; r < rows; r++) simd.monomials(ro.range(r * t, t), rx.range(r * d, d), ratios, 1, d, degree)
      },
    },
    0,
    rows,
  )
}

{
  const [m, rows, nonzeros, width] = [1024, 64, 4, 64]
  const out = random(m * width)
  const block = random(rows * width)
  const targets = Uint32Array.from({ length: rows * nonzeros }, () => Math.random() * m)
  const factors = random(rows * nonzeros)
  const [ro, rb] = [out, block].map(resident)
  row(
    'scatterAdd w=64, 4 nonzeros',
    {
      scalar: () => scalar.scatterAdd(out, block, targets, factors, rows, nonzeros, width),
      simd: () => simd.scatterAdd(ro, rb, targets, factors, rows, nonzeros, width),
      copied: () => simd.scatterAdd(out, block, targets, factors, rows, nonzeros, width),
    },
    0,
    rows,
  )
}

for (const [n, d, causal, keyCount = n] of [
  [2048, 64, true],
  [4096, 64, true],
  [8192, 64, true],
  [2048, 64, false],
  [4096, 64, false],
  [8192, 64, false],
  [2048, 32, true],
  [2048, 128, true],
  [2048, 16, true],
  [2048, 100, true],
  [64, 64, false, 64],
  [1, 64, false, 4096],
  [2, 64, false, 4096],
  [4, 64, false, 4096],
  [8, 64, false, 4096],
  [1, 64, false, 64],
  [1, 64, false, 1],
]) {
  const [q, k, v] = [n, keyCount, keyCount].map((rows) => random(rows * d))
  const max = new Float32Array(n)
  const mass = new Float64Array(n)
  const sum = new Float32Array(n * d)
  const [rq, rk, rv, rs] = [q, k, v, sum].map(resident)
  const shape = {
    rows: n,
    keyCount,
    d,
    dv: d,
    scale: 1 / Math.sqrt(d),
    ...(causal ? { causal: { visible: 1, groups: 1 } } : {}),
  }
  const given = { ...shape, queries: q, keys: k, values: v, max, mass, sum }
  const kept = { ...shape, queries: rq, keys: rk, values: rv, max, mass, sum: rs }
  const run = (kernels, block) => () => {
    max.fill(-Infinity)
    mass.fill(0)
    block.sum.fill(0)
    kernels.attend(block)
  }
  row(
    `attend ${n}x${keyCount} d=${d}${causal ? ' causal' : ''}`,
    {
      ...(n <= 2048 ? { scalar: run(scalar, given) } : {}),
      simd: run(simd, kept),
      copied: run(simd, given),
    },
    n * keyCount * d * (causal ? 2 : 4),
  )
}

/** exp by a degree-5 polynomial and a table of powers of two: the best plain JavaScript that we know. */
function polynomialExp(out, x, count) {
  for (let i = 0; i < count; i++) {
    const v = x[i]
    const n = (v * Math.LOG2E + 150.5) | 0
    const r = v - (n - 150) * Math.LN2
    out[i] = powers[n] * (1 + r * (1 + r * (0.5 + r * (0.16666667 + r * (0.0416666 + r * 0.0083333)))))
  }
}
