import type { GroupResult } from './measure.ts'
import { FASTEST_LLAMA, FASTEST_LLAMA_8_BITS } from './peers/llama.ts'
import { median } from './statistics.ts'

/** A number that the project promises, and the place of it in the results. */
export interface Target {
  readonly id: string
  readonly suite: string
  readonly claim: string
  /** Names of groups begin with these; the measured number is the median over all that match. */
  readonly groups: readonly string[]
  /** The case that is judged, or several of which the best is. */
  readonly case: string | readonly string[]
  /** Baseline: `times` compares speeds with it, `over` subtracts its value; with neither, the value itself is judged. */
  readonly times?: string
  readonly over?: string
  readonly atLeast?: number
  readonly atMost?: number
}

export interface Verdict {
  readonly id: string
  readonly claim: string
  readonly bound: string
  readonly measured: number
  readonly verdict: 'PASS' | 'MISS'
}

const lengths = (kind: string, ...all: number[]) => all.map((n) => `${kind}, n = ${n}`)
const IN_PLACE = 'kernels, in place'
const EXACT = '@sublinear/exact-attention'

export const targets: readonly Target[] = [
  kernel('product-js', 'product, d = 64, against the best tiled JS', 'scores', 'tiled JS', 5),
  kernel('product-peak', 'product, d = 64, share of the register-only peak', 'scores', 'register peak', 0.75),
  kernel('exp-math', 'exp of a row, against Math.exp', 'exp', 'Math.exp', 7),
  kernel('exp-polynomial', 'exp of a row, against a JS polynomial', 'exp', 'polynomial JS', 2.5),
  kernel('signs', 'sign block, m = 1024, against tiled JS with its signs given', 'sign', 'tiled JS, signs given', 5),
  kernel('monomials', 'monomials row by row, t ≥ 500, against the JS suffix construction', 'monomials', 'suffix JS', 9),
  {
    ...kernel(
      'monomial-columns',
      'monomials feature by feature (what streams use), t ≥ 500, against the same in JS',
      'monomials',
      'suffix JS, feature by feature',
      9,
    ),
    case: 'kernels, feature by feature',
  },
  {
    ...kernel('monomial-table', 'table of monomials, against the same in JS', 'table of', 'JS, feature by feature', 9),
    case: 'kernels, feature by feature',
  },
  exact('causal-ort', 'causal, d = 64, against onnxruntime-node', lengths('causal', 2048, 4096, 8192), 'ort', 0.95),
  exact('full-ort', 'full, d = 64, against onnxruntime-node', lengths('full', 2048, 4096, 8192), 'ort', 0.36),
  ...(['causal', 'full'] as const).map((kind): Target => ({
    id: `${kind}-peak`,
    suite: 'exact-attention',
    claim: `${kind}, d = 64, share of the register-only peak`,
    groups: lengths(kind, 2048, 4096, 8192),
    case: EXACT,
    times: 'register peak',
    atLeast: 0.7,
  })),
  exact('full-tfjs', 'full, d = 64, against tfjs-wasm at its fastest', lengths('full', 2048, 4096, 8192), 'tfjs', 8),
  exact('full-tfjs-flag', 'full, d = 64, against tfjs-wasm with transposeB', lengths('full', 2048, 4096), 'flag', 8),
  {
    id: 'cold',
    suite: 'exact-attention',
    claim: 'first call of a process over later ones, causal, n = 8192',
    groups: ['cold'],
    case: 'later calls',
    times: 'first call of a process',
    atMost: 1.3,
  },
  {
    id: 'exact-memory',
    suite: 'memory',
    claim: 'peak MB of a process, causal exact, n = 65536, d = 64',
    groups: ['exact attention, causal, n = 65536'],
    case: EXACT,
    atMost: 150,
  },
  {
    id: 'attend-memory',
    suite: 'memory',
    claim: 'peak MB of sublinear attend, n = 1000000 over n = 10000',
    groups: ['sublinear attend'],
    case: 'n = 1000000',
    over: 'n = 10000',
    atMost: 30,
  },
  {
    id: 'feature-step',
    suite: 'feature-stream',
    claim: 'featureStream.step, degree 2, d = 32, n = 4096, against causal exactAttention',
    groups: ['causal, blocks of 512, n = 4096, d = 32'],
    case: 'featureStream.step, degree 2',
    times: 'exactAttention, causal',
    atLeast: 3.5,
  },
  {
    id: 'feature-step-long',
    suite: 'feature-stream',
    claim: 'featureStream.step, degree 2, d = 64, n = 65536 by blocks along the way, against exactAttention',
    groups: ['causal, n = 65536'],
    case: 'featureStream.step, degree 2',
    times: 'exactAttention over the keys so far',
    atLeast: 14,
  },
  {
    id: 'halving',
    suite: 'balance-kv',
    claim: 'halving 256 tokens by the greedy walk, d = dv = 64: share of the speed of its two products alone',
    groups: ['halving 256 tokens, d = dv = 64'],
    case: 'greedy',
    times: 'product kernel, both Gram matrices',
    atLeast: 0.4,
  },
  {
    id: 'window-step',
    suite: 'kv-cache',
    claim: 'sinks + window, 256 tokens of 4096, d = 32, blocks of 512, against causal exactAttention',
    groups: ['causal'],
    case: '4 sinks + window 252',
    times: 'exactAttention, causal',
    atLeast: 3,
  },
  {
    id: 'window-token',
    suite: 'kv-cache',
    claim: 'sinks + window, a token and its query, share of the speed of attention over as many held tokens',
    groups: ['single tokens'],
    case: '4 sinks + window 252, step',
    times: 'heldTokens.attend, 320 tokens',
    atLeast: 0.5,
  },
  coded('8-bits', '8/8 bits', 'one head', 1.5),
  coded('4-bits', '4/4 bits', 'one head', 1.2),
  coded('8-bits-turns', '8/8 bits', '16 heads in turns', 2.5),
  coded('4-bits-turns', '4/4 bits', '16 heads in turns', 2),
  ...['h2o', 'tova', 'snapKv'].map((name): Target => ({
    id: `${name}-token`,
    suite: 'coded-tokens',
    claim: `${name}, a token and its query, 1024 and 4096 held, d = 64: share of the speed of a window (0.56 is 1.8 times its time)`,
    groups: ['policies, single tokens'],
    case: name,
    times: 'window',
    atLeast: 0.56,
  })),
  {
    id: 'threads-layer',
    suite: 'threads',
    claim: 'a layer of 16 heads of d = 64 with 4096 held over two threads, against one',
    groups: ['16 heads, single tokens, d = 64, window 4096'],
    case: '2 threads',
    times: 'one thread',
    atLeast: 1.6,
  },
  {
    id: 'auto-block',
    suite: 'coded-tokens',
    claim: 'autoStream in 64 KiB, blocks of 512, d = 32: µs a token',
    groups: ['autoStream'],
    case: 'autoStream',
    atMost: 12,
  },
  {
    id: 'auto-exact',
    suite: 'coded-tokens',
    claim:
      'autoStream in 64 KiB, blocks of 512, d = 32, against exact attention over 65536 tokens (5 is a share of 0.2)',
    groups: ['autoStream'],
    case: 'autoStream',
    times: 'exact attention, n = 65536',
    atLeast: 5,
  },
  {
    id: 'layer',
    suite: 'layer',
    claim: 'a layer of 16 heads, share of the speed of its heads alone (0.952 is 1.05 times their time)',
    groups: ['16 heads'],
    case: 'layer',
    times: 'heads alone',
    atLeast: 0.952,
  },
  ...[1, 16].map((heads): Target => ({
    id: `ggml-8-bits${heads === 1 ? '' : '-turns'}`,
    suite: 'heads',
    claim: `one query over 4096 tokens in 8/8 bits, d = 64 and 128, ${heads === 1 ? 'one head' : '16 heads in turns'}, against llama.cpp at its fastest with a q8_0 cache`,
    groups: [`one query, 4096 tokens held, ${heads === 1 ? 'one head' : '16 heads'}`],
    case: 'window, 8/8 bits',
    times: FASTEST_LLAMA_8_BITS.name,
    atLeast: 2,
  })),
  {
    id: 'llama-decode',
    suite: 'llama',
    claim: 'small model, decoding from 2048 tokens on, the fastest bounded stream, against llama.cpp at its fastest',
    groups: ['decoding from'],
    case: ['streamingLlm 256', 'streamingLlm 1024 in 8/8 bits', '256 far keys + closure'],
    times: FASTEST_LLAMA.name,
    atLeast: 1.3,
  },
  {
    id: 'llama-decode-exact',
    suite: 'llama',
    claim: 'small model, decoding from 2048 tokens on, exact streams, against llama.cpp at its fastest',
    groups: ['decoding from'],
    case: 'exact',
    times: FASTEST_LLAMA.name,
    atLeast: 0.7,
  },
  {
    id: 'llama-read',
    suite: 'llama',
    claim: 'small model, reading 2048 tokens, exact streams, against llama.cpp at its fastest',
    groups: ['reading'],
    case: 'exact',
    times: FASTEST_LLAMA.name,
    atLeast: 0.6,
  },
  {
    id: 'ams-js',
    suite: 'sketches',
    claim: 'AMS, m = 1024, w = 64, signs made anew, against tiled JS with its signs given',
    groups: ['AMS sketch'],
    case: 'amsSketch, signs and product',
    times: 'tiled JS, signs given',
    atLeast: 5,
  },
  {
    id: 'ams-share',
    suite: 'sketches',
    claim: 'AMS, m = 1024, w = 64: the whole over its signs alone (5 is a share of 20 %)',
    groups: ['AMS sketch'],
    case: 'its signs alone',
    times: 'amsSketch, signs and product',
    atLeast: 5,
  },
  {
    id: 'signs-rate',
    suite: 'sketches',
    claim: 'ns a 4-wise sign in blocks (0.5 is two billion a second)',
    groups: ['4-wise signs'],
    case: 'as bits',
    atMost: 0.5,
  },
  {
    id: 'ams-flat',
    suite: 'sketches',
    claim: 'AMS stream, speed at n = 10000000 over that at n = 10000',
    groups: ['streams'],
    case: 'n = 10000000',
    times: 'n = 10000',
    atLeast: 0.85,
  },
  {
    id: 'ams-memory',
    suite: 'sketches',
    claim: 'AMS stream, peak MB at n = 10000000 over n = 10000',
    groups: ['peak memory'],
    case: 'n = 10000000',
    over: 'n = 10000',
    atMost: 10,
  },
  {
    id: 'gaussian-columns',
    suite: 'gaussian-sparse',
    claim: 'ns an entry of a Gaussian matrix (25 is 40 million a second)',
    groups: ['Gaussian columns'],
    case: 'kernels, copied',
    atMost: 25,
  },
  {
    id: 'one-pass-osnap',
    suite: 'one-pass',
    claim: 'Algorithm 1, keys and values, t = 70, m₂ = 1024: OSNAP of 8 against AMS',
    groups: ['Algorithm 1, keys and values'],
    case: 'OSNAP of 8',
    times: 'AMS',
    atLeast: 5,
  },
  {
    id: 'one-pass-flat',
    suite: 'one-pass',
    claim: 'Algorithm 1, all passes, speed at n = 10000000 over that at n = 100000',
    groups: ['Algorithm 1, all passes'],
    case: 'n = 10000000',
    times: 'n = 100000',
    atLeast: 0.85,
  },
  {
    id: 'one-pass-memory',
    suite: 'one-pass',
    claim: 'Algorithm 1, all passes, peak MB at n = 10000000 over n = 100000',
    groups: ['peak memory of Algorithm 1'],
    case: 'n = 10000000',
    over: 'n = 100000',
    atMost: 10,
  },
  {
    id: 'sketch-state',
    suite: 'one-pass',
    claim: 'OSNAP of 8, 64 rows of 70 at a time, m = 1024: state in the kernels against an ordinary array',
    groups: ['a sketch of 1024 rows'],
    case: 'OSNAP of 8',
    times: 'OSNAP of 8, state outside the kernels',
    atLeast: 1.5,
  },
  {
    id: 'recovery-growth',
    suite: 'sparse-recovery',
    claim:
      'decode, k = 64, ε = 0.5: speed at n = 2^26 over that at 2^15, the least n with trees (1/3 is 3 times as long)',
    groups: ['decode, k = 64'],
    case: 'n = 2^26, m = 14848',
    times: 'n = 2^15, m = 5632',
    atLeast: 0.333,
  },
  {
    id: 'recovery-decode',
    suite: 'sparse-recovery',
    claim: 'ms to decode, n = 2^20, k = 64, ε = 0.5',
    groups: ['decode, k = 64'],
    case: 'n = 2^20, m = 8704',
    atMost: 40,
  },
  {
    id: 'recovery-update',
    suite: 'sparse-recovery',
    claim: 'µs a change of heavyHitters, n = 2^20, k = 64, ε = 0.5',
    groups: ['an update'],
    case: 'heavyHitters',
    atMost: 1.5,
  },
  {
    id: 'lm-prefill',
    suite: 'small-lm',
    claim: 'µs a token of reading 2048 tokens, exact streams (1000 is 1000 tokens a second)',
    groups: ['reading 2048'],
    case: 'exact',
    atMost: 1000,
  },
  {
    id: 'lm-decode',
    suite: 'small-lm',
    claim: 'µs a token of decoding from 2048 tokens on, exact streams (3333 is 300 tokens a second)',
    groups: ['decoding from'],
    case: 'exact',
    atMost: 3333,
  },
  {
    id: 'lm-auto',
    suite: 'small-lm',
    claim:
      'reading 2048 tokens through auto, 64 KiB a head: share of the speed of exact streams (0.667 is 1.5 times their time)',
    groups: ['reading 2048'],
    case: 'auto, 64 KiB a head',
    times: 'exact',
    atLeast: 0.667,
  },
  ...[64, 2048].map((prompt): Target => ({
    id: `lm-cold-${prompt}`,
    suite: 'small-lm',
    claim: `the first 64 tokens that a process decodes, after ${prompt}, over later ones`,
    groups: [`decoding 64 tokens after ${prompt} in`],
    case: 'later ones',
    times: 'the first of the process',
    atMost: 1.5,
  })),
  ...['4 sinks + window 252', '256 far keys + closure'].map((name, i) => ({
    id: ['lm-flat-window', 'lm-flat-closure'][i],
    suite: 'small-lm',
    claim: `reading on after 65536 tokens, ${name}, speed over that after 2048`,
    groups: [`reading on after n tokens, ${name}`],
    case: 'n = 65536',
    times: 'n = 2048',
    atLeast: 0.85,
  })),
  ...['4 sinks + window 252', '256 far keys + closure'].map((name, i) => ({
    id: ['lm-memory-window', 'lm-memory-closure'][i],
    suite: 'small-lm',
    claim: `reading through ${name}, peak MB at 65536 tokens over that at 2048, some 100`,
    groups: [`peak memory of reading, ${name}`],
    case: 'n = 65536',
    over: 'n = 2048',
    atMost: 15,
  })),
  countSketch('count-sketch', 'as one would first write it, BigInt hash', 'plain JS, BigInt hash', 10),
  countSketch('count-sketch-doubles', 'with the fastest 4-wise hash in JS', 'plain JS, hash in doubles', 5),
]

function countSketch(id: string, what: string, times: string, atLeast: number): Target {
  const claim = `CountSketch, m = 1024, w = 64, hashing included, against plain JS ${what}`
  return { id, suite: 'gaussian-sparse', claim, groups: ['CountSketch'], case: 'countSketch', times, atLeast }
}

function kernel(id: string, claim: string, group: string, times: string, atLeast: number): Target {
  return { id, suite: 'kernels', claim, groups: [group], case: IN_PLACE, times, atLeast }
}

function exact(id: string, claim: string, groups: string[], peer: 'ort' | 'tfjs' | 'flag', atLeast: number): Target {
  const times = {
    ort: 'onnxruntime-node MultiHeadAttention',
    tfjs: 'tfjs-wasm, keys transposed first',
    flag: 'tfjs-wasm, transposeB flag',
  }[peer]
  return { id, suite: 'exact-attention', claim, groups, case: EXACT, times, atLeast }
}

/** The verdicts on a suite's targets. */
export function judge(suite: string, groups: readonly GroupResult[], all: readonly Target[] = targets): Verdict[] {
  return all
    .filter((target) => target.suite === suite)
    .map((target) => {
      const chosen = groups.filter(({ name }) => target.groups.some((start) => name.startsWith(start)))
      if (chosen.length === 0)
        throw new Error(`target ${target.id}: no group starts with ${target.groups.join(' or ')}`)
      const measured = median(chosen.map((group) => read(target, group)))
      const { id, claim, atLeast, atMost } = target
      const holds = atLeast === undefined ? measured <= atMost! : measured >= atLeast
      const bound = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`
      return { id, claim, bound, measured, verdict: holds ? 'PASS' : 'MISS' }
    })
}

function read(target: Target, { cases }: GroupResult): number {
  const find = (name: string) => {
    const found = cases.find((one) => one.name === name)
    if (!found) throw new Error(`target ${target.id}: there is no case ${name}`)
    return found
  }
  const measured = [target.case].flat().map(find)
  if (target.over) return measured[0].median - find(target.over).median
  if (!target.times) return measured[0].median
  const ratios = measured.map(({ ratios }) => {
    const ratio = ratios?.[target.times!]
    if (!ratio) throw new Error(`target ${target.id}: no ratio against ${target.times}`)
    return ratio.median
  })
  return Math.max(...ratios)
}

/** The target of one query over 4096 tokens in codes, d = 64 and 128. */
function coded(id: string, bits: string, heads: string, atLeast: number): Target {
  return {
    id: `coded-${id}`,
    suite: 'coded-tokens',
    claim: `one query over 4096 tokens in ${bits}, d = 64 and 128, ${heads}, against float32`,
    groups: [64, 128].map((d) => `one query, 4096 tokens held, ${heads}, d = ${d}`),
    case: `window, ${bits}`,
    times: 'window, float32',
    atLeast,
  }
}
