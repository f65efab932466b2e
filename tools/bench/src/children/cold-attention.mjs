// Measures the CPU time of the first causal exact attention of a process and of later ones: `node cold-attention.mjs n d`.
import { exactAttention } from '@sublinear/exact-attention'
import { numbers } from './numbers.mjs'

const [n, d] = process.argv.slice(2).map(Number)
const [queries, keys, values] = [1, 2, 3].map((seed) => ({ rows: n, cols: d, data: numbers(n * d, seed) }))
const times = []
for (let i = 0; i < 6; i++) {
  const start = process.cpuUsage()
  exactAttention({ queries, keys, values, scale: 1 / Math.sqrt(d), causal: true })
  const { user, system } = process.cpuUsage(start)
  times.push((user + system) / 1000)
}
const [cold, ...warm] = times
console.log(JSON.stringify({ cold, warm: warm.toSorted((a, b) => a - b)[2] }))
