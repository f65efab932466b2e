/** Counts of the bytes that were asked for, in arrays and in the kernels' memory, since the last `reset`. */
export interface Allocations {
  reset(): void
  /** Sum of all bytes that were asked for. */
  readonly total: number
  readonly largest: number
}

/** Bytes of one request above which it is refused, so that the machine does not run out of memory. */
const MOST = 6e9
const ARRAYS = [
  'ArrayBuffer',
  'Float32Array',
  'Float64Array',
  'Uint8Array',
  'Uint16Array',
  'Uint32Array',
  'Int8Array',
  'Int16Array',
  'Int32Array',
  'BigInt64Array',
  'BigUint64Array',
] as const

/** Counts what arrays are asked for from now on; call it before any package is loaded. `slice` and `map` count too, since they call the constructor. */
export function countAllocations(): Allocations & { add(bytes: number): void } {
  let [total, largest] = [0, 0]
  const add = (bytes: number) => {
    total += bytes
    largest = Math.max(largest, bytes)
    if (bytes > MOST) throw new RangeError(`campaign: ${bytes} bytes asked for at once`)
  }
  const names = globalThis as unknown as Record<string, new (...args: unknown[]) => object>
  for (const name of ARRAYS) {
    const own = names[name]
    const wide = (own as unknown as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1
    const counted: typeof own = new Proxy(own, {
      construct(target, args: unknown[], asked) {
        const [first] = args
        if (typeof first === 'number') add(first * wide)
        return Reflect.construct(target, args, asked === counted ? target : asked) as object
      },
    })
    names[name] = counted
    Object.defineProperty(own.prototype as object, 'constructor', {
      value: counted,
      writable: true,
      configurable: true,
    })
  }
  return {
    add,
    reset() {
      ;[total, largest] = [0, 0]
    },
    get total() {
      return total
    },
    get largest() {
      return largest
    },
  }
}
