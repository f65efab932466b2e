import { rowsOf, type AttentionStream, type Shape } from '@sublinear/core'
import { normalMatrix } from './random.ts'
import { timed, type Group } from './suite.ts'

const N = 4096

/** Pushes without queries once the streams are full, `block` tokens at a time: a new token must displace one, or be passed by itself. */
export function throughputGroup(
  d: number,
  block: number,
  streams: Readonly<Record<string, (shape: Shape) => AttentionStream>>,
): Group {
  const [keys, values] = [normalMatrix(N, d, 2), normalMatrix(N, d, 3)]
  return {
    name: `throughput of pushing ${block} tokens at a time, d = ${d}`,
    unit: { name: 'ns', of: 'token', count: N, rate: true },
    cases: Object.entries(streams).map(([name, make]) => {
      const stream = make({ d, dv: d, scale: 1 / Math.sqrt(d) })
      const push = () => {
        for (let from = 0; from < N; from += block) {
          const to = from + block
          stream.push({ keys: rowsOf(keys, from, to), values: rowsOf(values, from, to) })
        }
      }
      push()
      return timed(name, push)
    }),
  }
}
