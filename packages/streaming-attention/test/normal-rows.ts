import type { Matrix } from '@sublinear/core'
import { random } from '@sublinear/laws'

/** rows × cols standard normal numbers (Box and Muller), for tests only. */
export function normalRows(rows: number, cols: number, seed: number): Matrix {
  const [u, v] = [random(rows, cols, 2 * seed + 1001).data, random(rows, cols, 2 * seed + 1002).data]
  const data = u.map((x, i) => Math.sqrt(-2 * Math.log(Math.max(1e-9, (x + 1) / 2))) * Math.cos(Math.PI * v[i]))
  return { rows, cols, data }
}
