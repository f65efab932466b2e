/** Rows of a block. */
const BLOCK = 512
const sleeper = new Int32Array(new SharedArrayBuffer(4))

/** Makes numbers in (−1, 1) from the index of the entry and a salt, by integer arithmetic. */
function noise(first: number, count: number, cols: number, salt: number): Float32Array {
  const out = new Float32Array(count * cols)
  for (let i = 0; i < out.length; i++) {
    let x = Math.imul((first * cols + i) ^ salt, 0x9e3779b1)
    x = Math.imul(x ^ (x >>> 15), 0x85ebca6b)
    out[i] = ((x ^ (x >>> 13)) >>> 8) / 2 ** 23 - 1
  }
  return out
}

/**
 * Makes rows that are a function of their index alone: the source of the plans of the fault kit.
 *
 * @param options  widths `d` and `dv`; `slow`: milliseconds that each block waits, so that faults can hit a shard; `salt`: number that selects the stream
 * @returns blocks of 512 rows: keys and values, or rows where `kind` is 'rows'
 */
export function* rows(
  first: number,
  count: number,
  {
    kind = 'kv',
    d,
    dv = d,
    slow = 0,
    salt = 0,
  }: {
    kind?: string | undefined
    d: number
    dv?: number | undefined
    slow?: number | undefined
    salt?: number | undefined
  },
) {
  for (let at = first; at < first + count; at += BLOCK) {
    const many = Math.min(BLOCK, first + count - at)
    if (slow > 0) Atomics.wait(sleeper, 0, 0, slow)
    const block = (cols: number, seed: number) => ({ rows: many, cols, data: noise(at, many, cols, seed + 256 * salt) })
    yield kind === 'rows' ? block(d, 5) : { keys: block(d, 11), values: block(dv, 77) }
  }
}
