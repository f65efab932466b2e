import type { AttentionStream, KvBlock, Matrix, PartialSoftmax } from '@sublinear/core'
import { createHash } from 'node:crypto'

/** A token stream with structure: a few directions, some far keys, repeated stretches. */
export interface Input {
  readonly block: KvBlock
  readonly queries: Matrix // groups · n rows
  readonly groups: number
}

export function tokens({
  n,
  d,
  dv,
  groups = 1,
  weighted = false,
}: {
  readonly n: number
  readonly d: number
  readonly dv: number
  readonly groups?: number
  readonly weighted?: boolean
}): Input {
  let state = 12345
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return (state >>> 0) / 2 ** 32
  }
  const normal = () => next() + next() + next() + next() - 2
  const rows = (count: number, cols: number, spread: (row: number) => number): Matrix => ({
    rows: count,
    cols,
    data: Float32Array.from({ length: count * cols }, (_, i) => {
      const row = Math.floor(i / cols)
      return Math.fround(normal() * spread(row) + ((row >> 5) % 3) * ((i % cols) % 4) * 0.25)
    }),
  })
  return {
    groups,
    block: {
      keys: rows(n, d, (row) => (row % 17 === 3 ? 3 : 0.8)),
      values: rows(n, dv, () => 1),
      ...(weighted && { weights: Float32Array.from({ length: n }, (_, i) => 1 + (i % 5) * 0.5) }),
    },
    queries: rows(n * groups, d, () => 1.2),
  }
}

const rowsOf = ({ cols, data }: Matrix, from: number, to: number): Matrix => ({
  rows: to - from,
  cols,
  data: data.slice(from * cols, to * cols),
})

function* pieces({ block, queries, groups }: Input, cut: readonly number[]) {
  const n = block.keys.rows
  for (let from = 0, i = 0; from < n; i++) {
    const to = Math.min(n, from + cut[i % cut.length])
    yield {
      block: {
        keys: rowsOf(block.keys, from, to),
        values: rowsOf(block.values, from, to),
        ...(block.weights && { weights: block.weights.slice(from, to) }),
      },
      queries: rowsOf(queries, from * groups, to * groups),
    }
    from = to
  }
}

const short = (hash: ReturnType<typeof createHash>) => hash.digest('hex').slice(0, 16)

function addPartial(hash: ReturnType<typeof createHash>, { max, mass, sum }: PartialSoftmax): void {
  for (const view of [max, mass, sum.data]) hash.update(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
}

/** The tokens held, whatever the order of their slots. */
function keptOf(stream: AttentionStream): string {
  const held = (stream as { read?(): KvBlock }).read?.()
  const parts = (stream as { parts?: readonly AttentionStream[] }).parts
  if (!held) return parts ? parts.map(keptOf).join(' ') : ''
  const { keys, values, weights } = held
  const rows = Array.from({ length: keys.rows }, (_, r) =>
    [rowsOf(keys, r, r + 1).data.join(), rowsOf(values, r, r + 1).data.join(), weights?.[r] ?? 1].join('|'),
  )
  return short(createHash('sha256').update(rows.toSorted().join('\n')))
}

/** Digest of a stream: its answers bit for bit, what it holds after every call, and which tokens. */
export function digest(make: () => AttentionStream, input: Input, cut: readonly number[], mode: 'push' | 'step') {
  const stream = make()
  const answers = createHash('sha256')
  const held = createHash('sha256')
  let peak = stream.bytes
  for (const piece of pieces(input, cut)) {
    if (mode === 'push') stream.push(piece.block)
    else addPartial(answers, stream.step(piece.block, piece.queries))
    held.update(`${stream.bytes},`)
    peak = Math.max(peak, stream.bytes)
  }
  addPartial(answers, stream.attend(rowsOf(input.queries, 0, 37)))
  return `${stream.merging} ${stream.tokens} tokens, ${stream.bytes} of ${peak} bytes, held ${short(held)}, answers ${short(answers)}, kept ${keptOf(stream)}`
}
