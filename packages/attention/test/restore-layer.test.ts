// Snapshots of a layer whose counts of heads were changed. Kills: a snapshot with more streams than kv-heads that is read all the same.
import { expect, it } from 'vitest'
import { layer, openStream, restoreLayer } from '../src'
import { altered } from './altered-snapshot'
import { makers } from './streams-by-kind'

it('restoreLayer refuses counts that the streams do not bear out', () => {
  const bytes = layer({ queryHeads: 4, kvHeads: 2, make: makers['exact'] }).toBytes()
  const made = (queryHeads: string, kvHeads: string) => altered(bytes, { queryHeads, kvHeads })
  for (const bytes of [
    made('4', '1'),
    made('4', '3'),
    made('3', '2'),
    made('1e9', '1e9'),
    made('4', ''),
    made('', '2'),
    makers['exact']().toBytes(),
  ]) {
    expect(() => restoreLayer(bytes, openStream)).toThrow(RangeError)
    expect(() => restoreLayer(bytes, openStream)).not.toThrow('version')
  }
  expect(restoreLayer(made('2', '2'), openStream).queryHeads).toBe(2)
})
