/**
 * `node evidence/codebook/ask.ts`: how levels lie and steps are chosen, on Gaussian vectors and on the keys and values of
 * the committed sample; and of how many first tokens the mean is the best centre. Writes result.json;
 * `run tables` puts it into the README of kv-cache.
 */
import { exactAttention, normalise, quantised, type Matrix } from '@sublinear/attention'
import { quantisedStream } from '@sublinear/kv-cache'
import { rowsOf } from '@sublinear/core'
import { capturesOf, type Head } from '../kit/captures.ts'
import { LAWS, levelsOf, round, type Law } from './levels.ts'
import { bestOf8, CHOICES, lost, stepsFor, type Choice } from './steps.ts'
import { main, type Experiment } from '../kit/experiment.ts'
import { codebookPicture, codebookTables, FIRST, JUDGED, type Codebook, type CodebookRow } from './table.ts'
import { centreOf, gathered, gaussians, spread } from './vectors.ts'
import { relativeError } from '../kit/trivial-answers.ts'

const BITS = [3, 4, 5, 6]
const WIDTHS = [32, 128]
const TUNING = 200
const QUERIES = 512

/** One row for levels, steps and bits; tuned on Gaussian vectors of another seed. */
export function rowOf(levels: Law, step: Choice, bits: number, sets = headVectors()): CodebookRow {
  const own = levelsOf(levels, bits)
  const rules = WIDTHS.map((width) => stepsFor(step, own, gaussians(TUNING, width, 1)))
  const gaussian = WIDTHS.map((width, i) => lost(gaussians(JUDGED, width, 2), own, rules[i]))
  return { levels, step, bits, gaussian, heads: mean(sets.map((vectors) => lost(vectors, own, rules[0]))) }
}

/** The same of the store itself, by what it reads. */
function rowOfStore(bits: number, heads: readonly Matrix[]): CodebookRow {
  const ofStore = (keys: Matrix) => {
    const held = quantised({ keyBits: bits, valueBits: bits }).make({ d: keys.cols, dv: 1, scale: 1, most: keys.rows })
    const values = { rows: keys.rows, cols: 1, data: new Float32Array(keys.rows) }
    held.write({ keys, values }, 0, keys.rows, 0)
    const read = held.readKeys()
    const centre = centreOf(keys, 256)
    let [error, square] = [0, 0]
    for (const [i, x] of keys.data.entries()) {
      error += (x - read.data[i]) ** 2
      square += (x - centre[i % keys.cols]) ** 2
    }
    held[Symbol.dispose]()
    return error / square
  }
  const gaussian = WIDTHS.map((width) => ofStore(matrixOf(gaussians(JUDGED, width, 2), width)))
  return { levels: 'the store', step: 'its own', bits, gaussian, heads: mean(heads.map(ofStore)) }
}

function matrixOf(vectors: readonly Float64Array[], cols: number): Matrix {
  return { rows: vectors.length, cols, data: Float32Array.from(vectors.flatMap((x) => [...x])) }
}

const sampled = () => capturesOf([]).flatMap(({ heads }) => heads.flatMap(({ keys, values }) => [keys, values]))

/** Every eighth key and value of the sample, less the mean of the first 256 and turned; a set a head. */
export function headVectors(): Float64Array[][] {
  return sampled().map((rows) => spread(rows, centreOf(rows, 256), 8))
}

/** The error of answers over tokens coded about the mean of the `first`. */
export function errorOfCentre({ queries, keys, values }: Head, first: number): number {
  const n = keys.rows - QUERIES
  const coded = (rows: Matrix, bits: number, least: number) => {
    const [levels, centre] = [levelsOf('bent', bits), centreOf(rows, first)]
    const vectors = spread(rows, centre)
    const stepOf = bestOf8(levels, least)
    for (const x of vectors) round(x, levels, stepOf(x) || 1)
    return gathered(vectors, centre)
  }
  const [held, weighed] = [rowsOf(keys, 0, n), rowsOf(values, 0, n)]
  const asked = { queries: rowsOf(queries, n, n + QUERIES), scale: 1 / Math.sqrt(keys.cols) }
  return relativeError(
    exactAttention({ ...asked, keys: coded(held, 5, 0.88), values: coded(weighed, 3, 0.6) }),
    exactAttention({ ...asked, keys: held, values: weighed }),
  )
}

function errorOfStore({ queries, keys, values }: Head): number {
  const n = keys.rows - QUERIES
  const [held, weighed] = [rowsOf(keys, 0, n), rowsOf(values, 0, n)]
  const [asked, scale] = [rowsOf(queries, n, n + QUERIES), 1 / Math.sqrt(keys.cols)]
  const stream = quantisedStream({ keyBits: 5, valueBits: 3 })({ d: keys.cols, dv: values.cols, scale })
  stream.push({ keys: held, values: weighed })
  return relativeError(
    normalise(stream.attend(asked)),
    exactAttention({ queries: asked, keys: held, values: weighed, scale }),
  )
}

const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length

function run(): Codebook {
  const sets = headVectors()
  const heads = sampled()
  const rows = BITS.flatMap((bits) => [
    ...LAWS.flatMap((law) => CHOICES.map((choice) => rowOf(law, choice, bits, sets))),
    rowOfStore(bits, heads),
  ])
  const centres = capturesOf([]).map(({ name, heads }) => ({
    model: name,
    errors: FIRST.map((first) => mean(heads.map((head) => errorOfCentre(head, first)))),
    store: mean(heads.map(errorOfStore)),
  }))
  return { node: process.version, rows, centres }
}

export const codebook: Experiment<Codebook> = {
  name: 'codebook',
  question: 'Which levels, steps and centre suit tokens in few bits?',
  inALine({ rows }) {
    const store = rows.filter(({ levels }) => levels === 'the store')
    const said = store.map((row) => {
      const least = Math.min(...rows.filter(({ bits }) => bits === row.bits).map(({ heads }) => heads))
      return `${(row.heads / least).toFixed(2)} at ${row.bits} bits`
    })
    return `the squared error of our store on heads is ${said.join(', ')} times the least of all rules that were tried; a centre brings little`
  },
  asks: 'How should levels and steps be chosen, on Gaussian vectors and on the keys and values of the committed sample? The mean of how many first tokens is the best centre?',
  run,
  answer: codebookTables,
  picture: codebookPicture,
}

await main(import.meta.url, codebook)
