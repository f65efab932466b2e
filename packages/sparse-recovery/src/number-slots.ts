/** Finds slots 0 … count − 1 by the number that each stands for. */
export interface NumberSlots {
  readonly bytes: number
  /** The slot of a number; −1 where it has none. */
  find(key: number): number
  /** Gives a slot to a number that has none. */
  set(key: number, slot: number): void
  clear(): void
}

/**
 * Makes a hash table of integers 0 … 2^53 − 1 in typed arrays: open addressing, at most half full, so that its bytes can be counted.
 *
 * @param keys  the numbers by slot, which the caller writes before `set`
 */
export function numberSlots(keys: Float64Array): NumberSlots {
  const size = 2 ** Math.ceil(Math.log2(2 * keys.length + 1))
  const mask = size - 1
  const table = new Int32Array(size).fill(-1)
  const start = (key: number) => {
    let x = (key | 0) ^ Math.imul(Math.floor(key / 2 ** 32), 0x9e3779b1)
    x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
    x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
    return (x ^ (x >>> 16)) & mask
  }
  return {
    bytes: table.byteLength,
    find(key) {
      for (let at = start(key); ; at = (at + 1) & mask) {
        const slot = table[at]
        if (slot < 0 || keys[slot] === key) return slot
      }
    },
    set(key, slot) {
      let at = start(key)
      while (table[at] >= 0) at = (at + 1) & mask
      table[at] = slot
    },
    clear: () => table.fill(-1),
  }
}
