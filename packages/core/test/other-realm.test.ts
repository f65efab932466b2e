// Arrays of another realm: of a frame, a vm context, a test runner's sandbox. Kills: `instanceof` at a border, which is blind to them, and a message that
// hides what the data were.
import { exactAttention } from '@sublinear/exact-attention'
import { heavyHitters } from '@sublinear/sparse-recovery'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { decodeTensors, encodeTensors, matrix, sketch, type Matrix } from '../src'
import { amsSketch } from '@sublinear/ams-sketch'

const here = (rows: number, cols: number, seed: number) =>
  Float32Array.from({ length: rows * cols }, (_, i) => Math.sin(i * 1.7 + seed))
const there = <A>(array: A & { readonly constructor: { readonly name: string } }): A =>
  runInNewContext(`${array.constructor.name}.from(list)`, { list: Array.from(array as unknown as number[]) }) as A

test.each([3, 200])('give the same answers, with %i rows', (rows) => {
  const parts = [1, 2, 3].map((seed) => here(rows, 4, seed))
  const of = (foreign: boolean): Matrix[] =>
    parts.map((data) => ({ rows, cols: 4, data: foreign ? there(data) : data }))
  const [queries, keys, values] = of(false)
  const [q, k, v] = of(true)
  expect(q.data).not.toBeInstanceOf(Float32Array)
  const scale = 0.5
  expect(exactAttention({ queries: q, keys: k, values: v, scale }).data).toEqual(
    exactAttention({ queries, keys, values, scale }).data,
  )
  expect(matrix(rows, 4, q.data).data).toBe(q.data)
  const [one, other] = [0, 1].map(() => sketch(amsSketch({ m: 30, seed: 1 }), 4))
  one.push(queries)
  other.push(q)
  one.update(7, here(1, 4, 2))
  other.update(7, there(here(1, 4, 2)))
  expect(other.toBytes()).toEqual(one.toBytes())
})

test('are read and written as tensors', () => {
  const data = here(2, 3, 1)
  const bytes = encodeTensors({ x: { dtype: 'F32', shape: [2, 3], data: there(data) } })
  expect(bytes).toEqual(encodeTensors({ x: { dtype: 'F32', shape: [2, 3], data } }))
  expect(decodeTensors(there(bytes)).tensors.get('x')?.data).toEqual(data)
})

test('count keys', () => {
  const counts = heavyHitters({ n: 2 ** 20, k: 4, seed: 1, epsilon: 0.5 })
  counts.update(there(Uint8Array.of(1, 2)), 5)
  expect(counts.estimate(Uint8Array.of(1, 2))).toBeCloseTo(5)
})

test('data of another type are named', () => {
  const queries = matrix(1, 2)
  const wrong = (data: unknown) => () =>
    exactAttention({ queries, keys: { rows: 1, cols: 2, data } as Matrix, values: queries, scale: 1 })
  expect(wrong(new Float64Array(2))).toThrow(/Float32Array data, got data of type Float64Array/)
  expect(wrong([1, 2])).toThrow(/got data of type Array/)
  expect(wrong(undefined)).toThrow(/Float32Array data, got/)
})
