import { exactRecovery, heavyHitters, recoveryRows, sparseRecovery } from '@sublinear/sparse-recovery'
import bloomFilters from 'bloom-filters'
import { fullScan } from '../baselines/full-scan.ts'
import { normals, randomWords } from '../random.ts'
import { timed, type Group, type Suite } from '../suite.ts'

const K = 64
const EPSILON = 0.5
const ITEMS = 4096
/** Rows of the peers that count, Count-Min and CountSketch. */
const ROWS = 5

export const suite: Suite = {
  name: 'sparse-recovery',
  rounds: 11,
  groups: () => [decodeGroup(), scanGroup(), updateGroup()],
}

/** Measurements of 64 spikes in noise: those of n Gaussian numbers are Gaussian too, so the noise is drawn as measurements. */
function measured(n: number): Float64Array {
  const size = { n, k: K, epsilon: EPSILON, seed: 1 }
  const stream = heavyHitters(size)
  for (const [i, word] of randomWords(K, 2).entries()) stream.update(word % n, i % 2 ? 1 : -1)
  const spike = Math.sqrt((9 * EPSILON) / K) // of noise of norm 1
  const width = Math.ceil((4 * K) / EPSILON)
  const noise = normals(stream.m, 3)
  return stream.measured.map((x, i) => spike * x + noise[i] / Math.sqrt(width))
}

/** Decoding times from n = 2^15 on, where Φ is smaller than the vector. */
function decodeGroup(): Group {
  const cases = [15, 16, 18, 20, 22, 24, 26, 32].map((log) => {
    const n = 2 ** log
    const { decode } = sparseRecovery({ n, k: K, epsilon: EPSILON, seed: 1 })
    const y = measured(n)
    const against = log === 26 ? [`n = 2^15, m = ${recoveryRows({ n: 2 ** 15, k: K, epsilon: EPSILON })}`] : []
    return timed(`n = 2^${log}, m = ${recoveryRows({ n, k: K, epsilon: EPSILON })}`, () => decode(y), against)
  })
  return { name: `decode, k = ${K}, ε = ${EPSILON}`, unit: { name: 'ms' }, cases }
}

/** Decoding beside a CountSketch of as many counters, whose n entries are all estimated. */
function scanGroup(): Group {
  const cases = [15, 20].flatMap((log) => {
    const n = 2 ** log
    const { decode, m } = sparseRecovery({ n, k: K, epsilon: EPSILON, seed: 1 })
    const y = measured(n)
    const scan = fullScan({ m, seed: 5 })
    const counters = normals(m, 4)
    const SCAN = `full scan of a CountSketch, n = 2^${log}`
    return [timed(SCAN, () => scan.top(counters, n, K)), timed(`decode, n = 2^${log}`, () => decode(y), [SCAN])]
  })
  return { name: 'decode against a full scan', unit: { name: 'ms' }, cases }
}

function updateGroup(): Group {
  const n = 2 ** 20
  const stream = heavyHitters({ n, k: K, epsilon: EPSILON, seed: 1 })
  const exact = exactRecovery({ n, k: K, delta: 0.01, seed: 1 })
  const scan = fullScan({ m: stream.m, seed: 5 })
  const counters = new Float64Array(stream.m)
  const peer = new bloomFilters.TopK(K, Math.E / Math.floor(stream.m / ROWS), Math.exp(-ROWS)) // a Count-Min of as many counters
  const indices = Array.from(randomWords(ITEMS, 6), (word) => word % n)
  const words = indices.map(String)
  const [PEER, PLAIN] = [`bloom-filters TopK, ${ROWS} rows`, 'CountSketch of five rows, plain JS']
  return {
    name: `an update, n = 2^20, m = ${stream.m}`,
    unit: { name: 'µs', of: 'change', count: ITEMS },
    cases: [
      timed(PEER, () => words.forEach((word) => peer.add(word))),
      timed(PLAIN, () => indices.forEach((index) => scan.add(counters, index, 1))),
      timed('heavyHitters', () => indices.forEach((index) => stream.update(index, 1)), [PEER, PLAIN]),
      timed('exactRecovery', () => indices.forEach((index) => exact.update(index, 1))),
    ],
  }
}
