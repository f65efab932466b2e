import { rowsOf, type AttentionStream, type Shape } from '@sublinear/core'
import { entropyCoded, window } from '@sublinear/kv-cache'
import { quantised } from '@sublinear/token-store'
import { normalMatrix } from '../random.ts'
import { timed, type Group, type Suite } from '../suite.ts'

const HELD = 2048

/** Measures what an entropy code costs beside plain codes of as many bits: tokens that come, and blocks that a query decodes. */
export const suite: Suite = {
  name: 'entropy-coded',
  rounds: 7,
  groups: () => [encodingGroup(64), decodingGroup(64)],
}

function tokensOf(n: number, d: number) {
  const [queries, keys, values] = [1, 2, 3].map((seed) => normalMatrix(n, d, seed))
  const at = (from: number, to: number) => ({ keys: rowsOf(keys, from, to), values: rowsOf(values, from, to) })
  return { queries, keys, values, at, shape: { d, dv: d, scale: 1 / Math.sqrt(d) } }
}

/** Bits an entry of codes that are compared: plain ones for keys and values, and an entropy code of as many. */
const AS_MANY = [
  [8, 6],
  [6, 4],
  [4, 4],
] as const
/** Tokens of a block of the entropy code. */
const CODED_BLOCK = 64
const plainly = (keyBits: number, valueBits: number) =>
  window({ count: HELD, store: quantised({ keyBits, valueBits }) })
const entropically = (keyBits: number, valueBits: number) =>
  entropyCoded({ count: HELD, bits: (keyBits + valueBits) / 2 })
const bitsOf = (keyBits: number, valueBits: number) => `${keyBits}/${valueBits} bits`

/** Tokens that are encoded, 64 a call, until all are held; the entropy code is made coarser on the way. */
function encodingGroup(d: number): Group {
  const { at, shape } = tokensOf(HELD, d)
  const filling = (make: (shape: Shape) => AttentionStream & Disposable) => () => {
    const stream = make(shape)
    for (let from = 0; from < HELD; from += CODED_BLOCK) stream.push(at(from, from + CODED_BLOCK))
    stream[Symbol.dispose]()
  }
  return {
    name: `encoding ${HELD} tokens, d = ${d}`,
    unit: { name: 'µs', of: 'token', count: HELD },
    cases: AS_MANY.flatMap(([keyBits, valueBits]) => {
      const plain = `plain, ${bitsOf(keyBits, valueBits)}`
      return [
        timed(plain, filling(plainly(keyBits, valueBits))),
        timed(`entropy-coded, ${bitsOf(keyBits, valueBits)}`, filling(entropically(keyBits, valueBits)), [plain]),
      ]
    }),
  }
}

/** Blocks of 64 tokens that one query decodes: the time of a query over all tokens, by block. */
function decodingGroup(d: number): Group {
  const { queries, keys, values, shape } = tokensOf(HELD, d)
  const asking = (name: string, make: (shape: Shape) => AttentionStream, against: readonly string[] = []) => ({
    name,
    against,
    setup: () => {
      const stream = make(shape)
      stream.push({ keys, values })
      return { run: () => stream.attend(rowsOf(queries, 0, 1)) }
    },
  })
  return {
    name: `decoding for one query, ${HELD} tokens held, d = ${d}`,
    unit: { name: 'µs', of: 'block', count: HELD / CODED_BLOCK },
    cases: AS_MANY.flatMap(([keyBits, valueBits]) => {
      const plain = `plain, ${bitsOf(keyBits, valueBits)}`
      return [
        asking(plain, plainly(keyBits, valueBits)),
        asking(`entropy-coded, ${bitsOf(keyBits, valueBits)}`, entropically(keyBits, valueBits), [plain]),
      ]
    }),
  }
}
