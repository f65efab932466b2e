import { readBy, schema, type Read } from '@sublinear/core'
import type { Item } from './item-counters'
import { keyFields, keysIn } from './saved-keys'

const count = { whole: true, least: 0 } as const

/** Schema of the snapshots of frequent items. */
export const frequentItemsSchema = schema(
  {
    kind: 'frequent-items',
    version: '1',
    parameters: {
      count: { whole: true, least: 2, most: 2 ** 24 },
      keyBytes: { whole: true, least: 0, most: 2 ** 16 },
      total: count,
      error: count,
    },
    tensors: {
      numbers: { type: 'F64', whole: true, least: -1 },
      lower: { type: 'F64', like: 'numbers', whole: true, least: 1 },
      missed: { type: 'F64', like: 'numbers', ...count },
      ...keyFields,
    },
  },
  {
    'There are at most `count` items.': ({ parameters, tensors }) => tensors.numbers.length <= parameters.count,
    'A number of -1 stands for the next of the keys, and there are as many.': ({ tensors }) =>
      tensors.numbers.reduce((keys, number) => keys + (number === -1 ? 1 : 0), 0) === tensors['key-lengths'].length,
    'No item has missed more than `error`, and each has `lower` + `missed` above it.': ({ parameters, tensors }) =>
      tensors.missed.every((x, i) => x <= parameters.error && tensors.lower[i] + x > parameters.error),
    'The sum of `lower` is at most `total`.': ({ parameters, tensors }) =>
      tensors.lower.reduce((sum, x) => sum + x, 0) <= parameters.total,
    '`error` · `count` is at most twice what `total` is above the sum of `lower` + `missed` - `error`.': ({
      parameters,
      tensors,
    }) =>
      parameters.error * parameters.count <=
      2 * (parameters.total - tensors.lower.reduce((sum, x, i) => sum + x + tensors.missed[i] - parameters.error, 0)),
  },
)

/**
 * Reads a snapshot of frequent items.
 *
 * @throws RangeError when the bytes are damaged, of another kind, or when the tensors do not fit each other
 */
export function readFrequentItems(bytes: Uint8Array) {
  const who = 'restoreFrequentItems'
  const { parameters, tensors } = readBy(who, frequentItemsSchema, bytes)
  const { count, keyBytes, total, error } = parameters
  const items = itemsOf(who, tensors, keysIn(who, tensors, keyBytes))
  return { options: { count, keyBytes }, contents: { total, error, items } }
}

function itemsOf(
  who: string,
  { numbers, lower, missed }: Read<typeof frequentItemsSchema.fields>['tensors'],
  keys: readonly Item['key'][],
): Item[] {
  let next = 0
  const items: Item[] = Array.from(numbers, (number, i) => ({
    key: number === -1 ? keys[next++] : number,
    lower: lower[i],
    missed: missed[i],
  }))
  const names = new Set(
    items.map(({ key }) =>
      typeof key === 'string' ? `text ${key}` : key instanceof Uint8Array ? `bytes ${key.join()}` : key,
    ),
  )
  if (names.size !== items.length) throw new RangeError(`${who}: a key is there twice`)
  return items
}
