import { Command } from 'commander'
import { writeFile } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { NAMES } from './methods'

const ENDINGS = ['.mjs', '.js', '.mts', '.ts']

export function newStreamCommand(): Command {
  return new Command('new-stream')
    .description('Writes a stream that works, for --stream of every command; put your own idea into it')
    .argument('<file>', 'a module, such as mine.mjs, which must not be there yet')
    .action(newStream)
}

async function newStream(path: string): Promise<void> {
  const name = basename(path, extname(path))
  if (!ENDINGS.includes(extname(path)) || name === '')
    throw new RangeError(`new-stream: ${path} must end in ${ENDINGS.join(', ')}`)
  if (NAMES.includes(name))
    throw new RangeError(`new-stream: ${name} is already a stream of the catalogue: take another name`)
  await writeFile(path, streamModule(path), { flag: 'wx' }).catch((cause: NodeJS.ErrnoException) => {
    throw new Error(
      `new-stream: ${path}: ${cause.code === 'EEXIST' ? 'is there already' : `cannot be written (${cause.code})`}`,
      { cause },
    )
  })
  const file = /[/\\]/.test(path) ? path : `./${path}`
  console.log(
    `${path} keeps the newest tokens that fit. Try it:\n  sublinear compare q.npy k.npy v.npy --stream ${file}`,
  )
}

/** Writes the text of a working stream: plain JavaScript, which becomes TypeScript once its parameters have types. */
export function streamModule(path: string): string {
  const isTyped = extname(path).endsWith('ts')
  const typed = (name: string, type: string) => (isTyped ? `${name}: ${type}` : name)
  const imports = isTyped ? "import type { KvBlock, Matrix, PartialSoftmax, Shape } from '@sublinear/core'\n\n" : ''
  const returns = isTyped ? ': PartialSoftmax' : ''
  return `// A stream of your own: sublinear compare q.npy k.npy v.npy --stream ${/[/\\]/.test(path) ? path : `./${path}`}
// It keeps the newest tokens that fit its bytes. Put your idea into push, which forgets, and attend, which answers.
${imports}/** true: tokens come with their queries, by a method step(block, queries); 'pilot': first rows of the head come as a last argument. */
export const learns = false

/**
 * An empty stream for one head, or undefined where the budget holds none. shape: d and dv are the widths of keys and values, scale the factor
 * inside exp. tokens: how many will come, at most.
 */
export default function stream(${typed('shape', 'Shape')}, ${typed('budgetBytes', 'number')}, ${typed('tokens', 'number')}) {
  const { d, dv, scale } = shape
  const most = Math.min(tokens, Math.floor(budgetBytes / (4 * (d + dv))))
  if (most < 1) return undefined
  const keys = new Float32Array(most * d) // a ring: token t lies in row t % most
  const values = new Float32Array(most * dv)
  let seen = 0
  return {
    /** Bytes held now, everything counted. */
    bytes: keys.byteLength + values.byteLength,
    /** block.keys: rows × d, block.values: rows × dv, both row-major. */
    push(${typed('block', 'KvBlock')}) {
      for (let r = 0; r < block.keys.rows; r++) {
        const row = seen++ % most
        keys.set(block.keys.data.subarray(r * d, (r + 1) * d), row * d)
        values.set(block.values.data.subarray(r * dv, (r + 1) * dv), row * dv)
      }
    },
    /** For each query the largest score, and over all tokens the sums of exp(score - max) and of exp(score - max) * value. */
    attend(${typed('queries', 'Matrix')})${returns} {
      const held = Math.min(seen, most)
      const max = new Float32Array(queries.rows).fill(-Infinity)
      const mass = new Float64Array(queries.rows)
      const sum = { rows: queries.rows, cols: dv, data: new Float32Array(queries.rows * dv) }
      const scores = new Float64Array(held)
      for (let r = 0; r < queries.rows; r++) {
        for (let t = 0; t < held; t++) {
          let score = 0
          for (let c = 0; c < d; c++) score += queries.data[r * d + c] * keys[t * d + c]
          scores[t] = score * scale
          max[r] = Math.max(max[r], scores[t])
        }
        for (let t = 0; t < held; t++) {
          const weight = Math.exp(scores[t] - max[r])
          mass[r] += weight
          for (let c = 0; c < dv; c++) sum.data[r * dv + c] += weight * values[t * dv + c]
        }
      }
      return { max, mass, sum }
    },
  }
}
`
}
