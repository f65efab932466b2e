// Computes causal exact attention once: `node exact-attention.mjs n d`.
import { exactAttention } from '@sublinear/exact-attention'
import { numbers } from './numbers.mjs'

const [n, d] = process.argv.slice(2).map(Number)
const [queries, keys, values] = [1, 2, 3].map((seed) => ({ rows: n, cols: d, data: numbers(n * d, seed) }))
exactAttention({ queries, keys, values, scale: 1 / Math.sqrt(d), causal: true })
