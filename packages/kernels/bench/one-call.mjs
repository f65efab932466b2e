// What a layer would win if all its heads were asked in one call of the module: `node bench/one-call.mjs` writes one-call.json and one-call.md beside it.
// Each head has what it holds and 32 tokens that wait, so two calls a token today. Both ways run in turns in one process, and their answers are compared first.
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'
import { kernels } from '@sublinear/kernels'

const folder = join(dirname(fileURLToPath(import.meta.url)), '..')
let wasm
const { error, stderr } = await asc.main(
  'assembly/trials/attend-heads.ts --outFile=trial.wasm --enable=simd -O3 --noAssert --runtime=stub --initialMemory=2048 --disableWarning=112'.split(
    ' ',
  ),
  {
    readFile: (file, base) => {
      try {
        return readFileSync(join(folder, base, file), 'utf8')
      } catch {
        return null // asc tries several extensions and folders
      }
    },
    writeFile: (name, contents) => void (name === 'trial.wasm' && (wasm = contents)),
    listFiles: () => [],
  },
)
if (error) throw new Error(stderr.toString())
const trial = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: { abort() {} } }).exports
const [floats, doubles, words] = [Float32Array, Float64Array, Uint32Array].map((A) => new A(trial.memory.buffer))

const HEADS = 16
const WAITING = 32
const ROUNDS = 31
const ROWS = 2 ** 20 // where the tokens begin; below it queries, descriptors and answers
const [SCORES, QUERIES, MAXIMA, MASSES, SUMS, PIECES] = [0, 4096, 16384, 20480, 24576, 49152].map((at) => 131072 + at)
const { floats: resident, attend } = kernels()

function cpu() {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Heads as streams hold them, and the same in the trial's memory. */
function layerOf(d, held) {
  const scale = 1 / Math.sqrt(d)
  let next = ROWS
  const heads = Array.from({ length: HEADS }, (_, h) => ({
    query: Float32Array.from({ length: d }, (_, i) => Math.sin(1 + i * (h + 1))),
    max: new Float32Array(1),
    mass: new Float64Array(1),
    sum: new Float32Array(d),
    pieces: [held, WAITING].map((count) => {
      const [keys, values] = [5, 7].map((step) => {
        const data = Float32Array.from({ length: count * d }, (_, i) => 2 * Math.sin(h + i * step))
        const own = resident(data.length)
        own.write(data)
        const at = next
        floats.set(data, at / 4)
        next += 4 * data.length
        return { own, at }
      })
      return { count, keys, values }
    }),
  }))
  const alone = () => {
    for (const { query, max, mass, sum, pieces } of heads) {
      max[0] = -Infinity
      mass[0] = 0
      sum.fill(0)
      for (const { count, keys, values } of pieces)
        attend({
          queries: query,
          keys: keys.own,
          values: values.own,
          rows: 1,
          keyCount: count,
          d,
          dv: d,
          scale,
          max,
          mass,
          sum,
        })
    }
  }
  const ask = (isOne) => () => {
    let piece = PIECES / 4
    for (let h = 0; h < HEADS; h++) {
      const { query, pieces } = heads[h]
      const [q, max, mass, out] = [QUERIES + 4 * h * d, MAXIMA + 4 * h, MASSES + 8 * h, SUMS + 4 * h * d]
      for (let i = 0; i < d; i++) floats[q / 4 + i] = query[i] * scale
      floats[max / 4] = -Infinity
      doubles[mass / 8] = 0
      for (let i = 0; i < d; i++) floats[out / 4 + i] = 0
      for (const { count, keys, values } of pieces) {
        words[piece++] = q
        words[piece++] = keys.at
        words[piece++] = values.at
        words[piece++] = count
        words[piece++] = max
        words[piece++] = mass
        words[piece++] = out
      }
    }
    if (isOne) trial.attendHeads(PIECES, 2 * HEADS, d, d, SCORES)
    else for (let p = 0; p < 2 * HEADS; p++) trial.attendHeads(PIECES + 28 * p, 1, d, d, SCORES)
    for (let h = 0; h < HEADS; h++) {
      const { max, mass, sum } = heads[h]
      max[0] = floats[MAXIMA / 4 + h]
      mass[0] = doubles[MASSES / 8 + h]
      for (let i = 0, at = SUMS / 4 + h * d; i < d; i++) sum[i] = floats[at + i]
    }
  }
  const [calls, together] = [ask(false), ask(true)]
  const answers = [alone, calls, together].map((answer) => {
    answer()
    return JSON.stringify(heads.map(({ max, mass, sum }) => [max[0], mass[0], ...sum]))
  })
  if (new Set(answers).size > 1) throw new Error('the two do not compute the same')
  const end = () => {
    for (const { keys, values } of heads.flatMap(({ pieces }) => pieces))
      for (const { own } of [keys, values]) own[Symbol.dispose]()
  }
  return { alone, calls, together, end }
}

const middle = (of) => of.toSorted((a, b) => a - b)[of.length >> 1]
const rows = []
for (const d of [32, 64, 128]) {
  for (const held of [16, 64, 256]) {
    const { alone, calls, together, end } = layerOf(d, held)
    const repeats = Math.ceil(2 ** 19 / (d * held))
    const time = (ask) => {
      ask() // its tokens are in the cache then
      const start = cpu()
      for (let i = 0; i < repeats; i++) ask()
      return (cpu() - start) / repeats
    }
    const spent = []
    for (let round = -8; round < ROUNDS; round++) {
      const three =
        round % 2 === 0 ? [alone, calls, together].map(time) : [together, calls, alone].map(time).toReversed()
      if (round >= 0) spent.push(three)
    }
    end()
    const of = (number) => middle(spent.map(number))
    rows.push({
      d,
      held,
      attend: of(([a]) => a),
      calls: of(([, b]) => b),
      together: of(([, , c]) => c),
      ratio: of(([, b, c]) => c / b),
      won: of(([, b, c]) => (b - c) / HEADS),
    })
  }
}
const result = { cpu: cpus()[0].model, load: loadavg()[0], node: process.version, rows }
const at = (name) => new URL(name, import.meta.url)
writeFileSync(at('one-call.json'), `${JSON.stringify(result, null, 2)}\n`)
const table = rows.map(
  ({ d, held, attend, calls, together, ratio, won }) =>
    `| ${d} | ${held} | ${[attend, calls, together].map((time) => time.toFixed(1)).join(' | ')} | ${ratio.toFixed(3)} | ${(1000 * won).toFixed(0)} |`,
)
writeFileSync(
  at('one-call.md'),
  `# All heads of a layer in one call, tried and left out

Written by \`node bench/one-call.mjs\` from one-call.json; the trial is \`assembly/trials/attend-heads.ts\`.

One token of a layer of ${HEADS} heads in float32, each with the tokens that it holds and ${WAITING} that wait: by \`attend\` as streams call it, by a call of the module a piece, and
by one call with a list of all pieces in the module's memory. The last two differ in the calls alone; all copy queries in and answers out. Microseconds of CPU, medians of ${ROUNDS}
rounds; the ratio is that of one call to a call a piece.

| d | tokens held | \`attend\` | a call a piece | one call | ratio | ns won a head |
| --- | --- | --- | --- | --- | --- | --- |
${table.join('\n')}

${result.cpu}, load ${result.load.toFixed(1)}, Node ${result.node}. All compute the same, to the last bit.

A call of the module costs tens of nanoseconds, and a step of a stream microseconds: its checks, and the token that it writes. So heads stay streams of their own, each with its own
policy, and a layer asks them in turn.
`,
)
console.log(table.join('\n'))
