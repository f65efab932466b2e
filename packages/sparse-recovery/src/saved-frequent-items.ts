import { checkInteger, decodeSnapshot, tensorsIn } from '@sublinear/core'
import type { Item } from './item-counters'
import { keysIn } from './saved-keys'

/**
 * Reads a snapshot of frequent items.
 *
 * @throws RangeError when the bytes are damaged, of another kind, or do not fit each other
 */
export function readFrequentItems(bytes: Uint8Array) {
  const who = 'restoreFrequentItems'
  const snapshot = decodeSnapshot(bytes, { kind: 'frequent-items', version: '1' })
  const whole = (name: string, least: number, most?: number) => {
    const value = Number(snapshot.parameters[name])
    checkInteger(who, name, value, least, most)
    return value
  }
  const options = { count: whole('count', 2, 2 ** 24), keyBytes: whole('keyBytes', 0, 2 ** 16) }
  const total = whole('total', 0)
  const error = whole('error', 0)
  const { numbers, lower, missed } = tensorsIn(who, snapshot, { numbers: ['F64'], lower: ['F64'], missed: ['F64'] })
  const keys = keysIn(snapshot.tensors, options.keyBytes)
  let [sum, above] = [0, 0] // above: Σ(upper − error) of the items held
  for (const [i, x] of lower.entries()) {
    sum += x
    above += x + missed[i] - error
  }
  const fits =
    keys !== undefined &&
    numbers.length <= options.count &&
    lower.length === numbers.length &&
    missed.length === numbers.length &&
    numbers.every((key) => key === -1 || isCount(key)) &&
    numbers.reduce((count, key) => count + (key === -1 ? 1 : 0), 0) === keys.length &&
    lower.every((x) => isCount(x) && x >= 1) &&
    missed.every((x, i) => isCount(x) && x <= error && lower[i] + x > error) &&
    sum <= total &&
    error * options.count <= 2 * (total - above) // what every stream keeps to
  if (!fits) throw new RangeError(`${who}: the tensors do not fit the parameters`)
  let next = 0
  const items: Item[] = Array.from(numbers, (key, i) => ({
    key: key === -1 ? keys[next++] : key,
    lower: lower[i],
    missed: missed[i],
  }))
  const names = new Set(
    items.map(({ key }) =>
      typeof key === 'string' ? `text ${key}` : key instanceof Uint8Array ? `bytes ${key.join()}` : key,
    ),
  )
  if (names.size !== items.length) throw new RangeError(`${who}: a key is there twice`)
  return { options, contents: { total, error, items } }
}

const isCount = (x: number) => Number.isSafeInteger(x) && x >= 0
