// Sketches n rows by AMS once: `node ams-stream.mjs n`.
import { amsSketch } from '@sublinear/ams-sketch'
import { sketch } from '@sublinear/core'
import { numbers } from './numbers.mjs'

const n = Number(process.argv[2])
const rows = numbers(4096 * 4, 1)
const one = sketch(amsSketch({ m: 64, seed: 1 }), 4)
for (let at = 0; at < n; at += 4096) {
  const count = Math.min(4096, n - at)
  one.push({ rows: count, cols: 4, data: rows.subarray(0, count * 4) })
}
