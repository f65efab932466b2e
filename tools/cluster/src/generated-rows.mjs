/** Rows of a stream that is a function of their index alone. `slow` milliseconds of work a block stretch a shard, so that faults can hit it. */
const BLOCK = 512

/** Numbers in (−1, 1), from the index of the entry and a salt, by integer arithmetic. */
function noise(first, count, cols, salt) {
  const out = new Float32Array(count * cols)
  for (let i = 0; i < out.length; i++) {
    let x = Math.imul((first * cols + i) ^ salt, 0x9e3779b1)
    x = Math.imul(x ^ (x >>> 15), 0x85ebca6b)
    out[i] = ((x ^ (x >>> 13)) >>> 8) / 2 ** 23 - 1
  }
  return out
}

/** @returns blocks of keys and values, or of rows where `kind` is 'rows' */
export function* rows(first, count, { kind = 'kv', d, dv = d, slow = 0, salt = 0 }) {
  for (let at = first; at < first + count; at += BLOCK) {
    const rows = Math.min(BLOCK, first + count - at)
    const until = performance.now() + slow
    while (performance.now() < until);
    const block = (cols, seed) => ({ rows, cols, data: noise(at, rows, cols, seed + 256 * salt) })
    yield kind === 'rows' ? block(d, 5) : { keys: block(d, 11), values: block(dv, 77) }
  }
}
