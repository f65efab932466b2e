import { digestOf } from './plan-key'

/** Place of artifacts: bytes under a key, written once. All workers and the coordinator reach the same store. */
export interface Store {
  /**
   * Writes bytes under a key, whole or not at all; returns 'same' where exactly these bytes are there already.
   * @throws RangeError when other bytes are there
   */
  put(key: string, bytes: Uint8Array): Promise<'new' | 'same'>
  /** Reads the bytes; undefined where there are none. */
  get(key: string): Promise<Uint8Array | undefined>
  has(key: string): Promise<boolean>
}

const KEY = /^[\w.-]{1,200}(\/[\w.-]{1,200}){0,3}$/

/**
 * Checks a key. @throws TypeError, RangeError unless it has letters, digits, `_`, `.` and `-`, in up to four parts with `/` between, none of them dots alone
 */
export function checkKey(who: string, key: string): void {
  if (typeof key !== 'string') throw new TypeError(`${who}: key must be a string, got ${typeof key}`)
  if (!KEY.test(key) || key.split('/').some((part) => /^\.+$/.test(part)))
    throw new RangeError(`${who}: no key is called ${JSON.stringify(key)}`)
}

const shown = (some: Uint8Array) => `${some.length} bytes ${digestOf(some).slice(0, 16)}`

/** Checks that bytes equal those that are there. @throws RangeError where they differ */
export function requireIdentical(who: string, key: string, there: Uint8Array, bytes: Uint8Array): 'same' {
  if (Buffer.compare(there, bytes) === 0) return 'same'
  throw new RangeError(`${who}: ${key} holds other content: ${shown(there)} there, ${shown(bytes)} here`)
}

/** Makes a store in the memory of this process, for runs that need no other. */
export function memoryStore(): Store {
  const held = new Map<string, Uint8Array>()
  return {
    async put(key, bytes) {
      checkKey('memoryStore', key)
      const there = held.get(key)
      if (there) return requireIdentical('memoryStore', key, there, bytes)
      held.set(key, bytes.slice())
      return 'new'
    },
    async get(key) {
      checkKey('memoryStore', key)
      return held.get(key)?.slice()
    },
    async has(key) {
      checkKey('memoryStore', key)
      return held.has(key)
    },
  }
}
