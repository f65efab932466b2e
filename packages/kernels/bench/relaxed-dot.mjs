// Whether the relaxed dot of 8 by 7 bits pays for attention over codes: `node bench/relaxed-dot.mjs` writes relaxed-dot.json and relaxed-dot.md beside it.
// Variants run interleaved in one process; a number is the median of CPU nanoseconds a token. What they compute is compared first.
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const source = fileURLToPath(new URL('../assembly/trials/relaxed-dot.ts', import.meta.url))
let wasm
const { error, stderr } = await asc.main(
  'trial.ts --outFile=trial.wasm --enable=simd --enable=relaxed-simd -O3 --noAssert --runtime=stub --initialMemory=400'.split(
    ' ',
  ),
  {
    readFile: (name) => (name === 'trial.ts' ? readFileSync(source, 'utf8') : null),
    writeFile: (name, contents) => void (name === 'trial.wasm' && (wasm = contents)),
    listFiles: () => [],
  },
)
if (error) throw new Error(stderr.toString())
if (!WebAssembly.validate(wasm)) throw new Error(`${process.version} has no relaxed SIMD`)
const trial = new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports
const { buffer } = trial.memory
const [bytes, words, halves, floats] = [Uint8Array, Int32Array, Int16Array, Float32Array].map((A) => new A(buffer))

const ROWS = 2 ** 20
const [QUERY, PARTS, NIBBLES, WEIGHTS, WEIGHT_PARTS] = [0, 4096, 8192, 16384, 20480].map((at) => 65536 + at)
const OUT = 2 ** 18
const ROUNDS = 31
for (let i = 0; i < 2 ** 23; i++) bytes[ROWS + i] = Math.imul(i, 2654435761) >>> 24

function cpu() {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}

/** Writes a query of 14 bits and 64 weights of 14 bits, whole and in halves. */
function fill(d) {
  for (let i = 0; i < d; i++) {
    const entry = ((i * 7919) % 16383) - 8191
    halves[(QUERY >> 1) + i] = entry
    bytes[PARTS + i] = entry & 127
    bytes[PARTS + d + i] = (entry >> 7) + 64
  }
  for (let t = 0; t < 64; t++) {
    const weight = 4096 + 37 * t
    halves[(WEIGHTS >> 1) + t] = weight
    bytes[WEIGHT_PARTS + 8 * (t >> 2) + (t & 3)] = weight & 127
    bytes[WEIGHT_PARTS + 8 * (t >> 2) + 4 + (t & 3)] = weight >> 7
  }
}

function mustBeEqual(of, count, plain, relaxed) {
  const [a, b] = [plain, relaxed].map((run) => {
    run()
    return [...of.subarray(OUT >> 2, (OUT >> 2) + count)]
  })
  if (a.some((x, i) => x !== b[i])) throw new Error('the two do not compute the same')
}

const rows = []
for (const d of [32, 64, 128]) {
  for (const tokens of [1024, 4096]) {
    const stride = 2 * d + 4
    fill(d)
    mustBeEqual(
      floats,
      64,
      () => trial.plain8(OUT, QUERY, ROWS, stride, d, 64),
      () => trial.relaxed8(OUT, PARTS, ROWS, stride, d, 64),
    )
    mustBeEqual(
      words,
      16,
      () => trial.plainMix(OUT, WEIGHTS, 64, ROWS, stride),
      () => trial.relaxedMix(OUT, WEIGHT_PARTS, 64, ROWS, stride),
    )
    const mix = (one, weights) => () => {
      for (let t = 0; t < tokens; t += 64)
        for (let c = 0; c < d; c += 16) one(OUT + c * 4, weights, 64, ROWS + t * stride + d + c, stride)
    }
    const jobs = {
      plain8: () => trial.plain8(OUT, QUERY, ROWS, stride, d, tokens),
      relaxed8: () => trial.relaxed8(OUT, PARTS, ROWS, stride, d, tokens),
      single8: () => trial.single8(OUT, PARTS, ROWS, stride, d, tokens),
      plain4: () => trial.plain4(OUT, QUERY, ROWS, (d >> 1) + 2, d, tokens),
      relaxed4: () => trial.relaxed4(OUT, NIBBLES, ROWS, (d >> 1) + 2, d, tokens),
      plainMix: mix(trial.plainMix, WEIGHTS),
      relaxedMix: mix(trial.relaxedMix, WEIGHT_PARTS),
    }
    const spent = {}
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, job] of Object.entries(jobs)) {
        const calls = Math.ceil(2 ** 20 / d / tokens) * 8
        const start = cpu()
        for (let i = 0; i < calls; i++) job()
        const own = (spent[name] ??= [])
        own.push((cpu() - start) / calls / tokens)
      }
    }
    const median = (name) => spent[name].toSorted((a, b) => a - b)[ROUNDS >> 1]
    rows.push({ d, tokens, ...Object.fromEntries(Object.keys(jobs).map((name) => [name, median(name)])) })
  }
}
const result = {
  cpu: cpus()[0].model,
  vnni: /avx_vnni|avx512_vnni/.test(readFileSync('/proc/cpuinfo', 'utf8')),
  load: loadavg()[0],
  node: process.version,
  rows,
}
const at = (name) => new URL(name, import.meta.url)
writeFileSync(at('relaxed-dot.json'), `${JSON.stringify(result, null, 2)}\n`)

const two = (x) => x.toFixed(2)
const table = rows.map(
  (r) =>
    `| ${r.d} | ${r.tokens} | ${two(r.plain8)} | ${two(r.relaxed8)} | ${two(r.plain8 / r.relaxed8)}× | ${two(r.single8)} | ${two(r.plain4)} | ${two(r.relaxed4)} | ${two(r.plain4 / r.relaxed4)}× | ${two(r.plainMix)} | ${two(r.relaxedMix)} | ${two(r.plainMix / r.relaxedMix)}× |`,
)
writeFileSync(
  at('relaxed-dot.md'),
  `# The relaxed dot, tried and left out

Written by \`node bench/relaxed-dot.mjs\` from relaxed-dot.json; the trial is \`assembly/trials/relaxed-dot.ts\`.

\`i32x4.relaxed_dot_i8x16_i7x16_add_s\` gives the same bits on every engine only while its second operand stays in 0 … 127. Attention over codes rounds a
query and the weights to 15 bits, so each has to go in parts of 7 bits:

- 8-bit codes: low seven bits, the rest moved up by 64, and a dot with ones that takes this back: three relaxed dots for 16 codes, and 14 bits of the
  query instead of 15. Plain: two dots of 16 bits after two extensions.
- 4-bit codes: they are the second operand, as 0 … 15, and the query goes in two signed bytes: two relaxed dots for 16 codes.
- values of 8 bits: four tokens side by side, weights of 14 bits in two halves: two relaxed dots for four tokens and four columns.

Nanoseconds of CPU a token, medians of ${ROUNDS} rounds, and how many times faster the relaxed dot is. "one dot" is a query of 7 bits, a floor: its rounding is 128
times as coarse.

| d | tokens | scores, 8 bits, plain | relaxed | | one dot | scores, 4 bits, plain | relaxed | | values, 8 bits, plain | relaxed | |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
${table.join('\n')}

${result.cpu}, ${result.vnni ? 'with' : 'without'} the processor's own instruction for it (VNNI), load ${result.load.toFixed(1)}, Node ${result.node}. What both compute is the same, to the last bit.

So a second module would cost its bytes and its tests, and bring nothing. It would pay where a query of 7 bits is enough, and that is another kernel with
another error.
`,
)
console.log(result)
