// What a sketch refuses, with which words, and that it is then as before. Kills: kind, m, seed, width or precision not compared, a
// check after the state was touched, a state that is a view, a snapshot taken for another matrix or with parts that do not fit.
import { describe, expect, it } from 'vitest'
import {
  decodeSnapshot,
  denseSketchMatrix,
  encodeSnapshot,
  innerProduct,
  matrix,
  project,
  restoreSketch,
  sketch,
  sparseSketchMatrix,
} from '../src'
import { dense, random, sparse } from './test-matrices'

const any = (value: unknown) => value as never
const columns = () => {}
const filled = (psi = dense(3, 5)) => {
  const one = sketch(psi, 2)
  one.push(random(70, 2, 1))
  return one
}

const f32 = (shape: number[], value = 0) => ({
  dtype: 'F32',
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b)).fill(value),
})

describe('a sketch', () => {
  it.each([
    ['matrix', sketch(sparse(3, 5), 2)],
    ['m', sketch(dense(4, 5), 2)],
    ['seed', sketch(dense(3, 6), 2)],
    ['width', sketch(dense(3, 5), 3)],
    ['precision', sketch(dense(3, 5), 2, { precision: 'f64' })],
  ])('refuses to merge another %s, by name', (name, other) => {
    const one = filled()
    const kept = one.toBytes()
    expect(() => one.merge(other)).toThrow(RangeError)
    expect(() => one.merge(other)).toThrow(`sketch: ${name} differs: `)
    expect(one.toBytes()).toEqual(kept)
  })

  it('refuses what is no sketch', () => {
    for (const other of [undefined, null, 3, {}]) expect(() => filled().merge(any(other))).toThrow(TypeError)
    for (const other of [undefined, {}]) expect(() => filled().merge(any(other))).toThrow(/^sketch: /)
  })

  it('refuses broken calls and stays as it was', () => {
    const one = filled()
    const kept = one.toBytes()
    const calls: [() => void, typeof TypeError | typeof RangeError, string][] = [
      [() => one.push(matrix(1, 3)), RangeError, 'sketch: block must have 2 columns, got 3'],
      [() => one.push(any(7)), TypeError, 'sketch: block must be a Matrix with Float32Array data, got 7'],
      [
        () => one.push(matrix(1, 2, Float32Array.of(1, NaN))),
        RangeError,
        'sketch: block must be finite, got NaN at row 0, column 1',
      ],
      [() => one.push(matrix(1, 2), -1), RangeError, 'sketch: first must be an integer >= 0, got -1'],
      [() => one.push(matrix(1, 2), 0.5), RangeError, 'sketch: first must be an integer >= 0, got 0.5'],
      [() => one.push(matrix(1, 2), any('0')), TypeError, 'sketch: first must be an integer >= 0, got "0"'],
      [
        () => one.update(-1, Float32Array.of(1, 1)),
        RangeError,
        'sketch: index must be an integer from 0 to 9007199254740990, got -1',
      ],
      [() => one.update(0, 1), RangeError, 'sketch: row must have 2 entries, got 1'],
      [() => one.update(0, any([1, 1])), TypeError, 'sketch: row must be a number or a Float32Array'],
      [
        () => one.update(0, Float32Array.of(1, Infinity)),
        RangeError,
        'sketch: scale · row must be finite, got Infinity at row 0, column 1',
      ],
      [
        () => one.update(0, Float32Array.of(1, 1e38), 10),
        RangeError,
        'sketch: scale · row must be finite, got Infinity at row 0, column 1',
      ],
      [() => one.update(0, Float32Array.of(1, 1), NaN), RangeError, 'sketch: scale must be a finite number, got NaN'],
    ]
    for (const [call, error, message] of calls) {
      expect(call).toThrow(error)
      expect(call).toThrow(expect.objectContaining({ message }))
      expect(one.toBytes()).toEqual(kept)
    }
  })

  it('takes entries up to 2^64, and never leaves its precision', () => {
    for (const precision of ['f32', 'f64'] as const) {
      const one = sketch(dense(3, 5), 2, { precision })
      const block = matrix(70, 2, new Float32Array(140).fill(2 ** 64))
      for (let i = 0; i < 50; i++) one.push(block)
      one.update(3, Float32Array.of(2 ** 60, 1), 16)
      const [kept, state] = [one.toBytes(), one.state.data]
      expect(state.every(Number.isFinite)).toBe(true)
      expect(() => one.push(matrix(70, 2, new Float32Array(140).fill(3e38)))).toThrow(
        'sketch: block must be at most 2^64 in magnitude, got 3.0000000054977558e+38 at row 0, column 0',
      )
      expect(() => one.update(0, Float32Array.of(1, 2 ** 64), 2)).toThrow(
        'sketch: scale · row must be at most 2^64 in magnitude, got 36893488147419103000 at row 0, column 1',
      )
      expect(one.toBytes()).toEqual(kept)
      if (precision === 'f64') continue
      const all = () => {
        for (let i = 0; i < 200; i++) one.merge(restoreSketch(dense(3, 5), one.toBytes()))
      }
      expect(all).toThrow('sketch: cannot merge, a sum of the two would leave float32')
      expect(one.state.data.every(Number.isFinite)).toBe(true)
    }
  })

  it('hands out copies and takes copies', () => {
    const one = filled()
    const kept = one.toBytes()
    one.state.data.fill(7)
    one.toBytes().fill(7)
    expect(one.toBytes()).toEqual(kept)
    const block = random(3, 2, 9)
    const [mine, yours] = [filled(), filled()]
    mine.push(block)
    const copy = { ...block, data: block.data.slice() }
    yours.push(copy)
    copy.data.fill(7)
    expect(yours.state).toEqual(mine.state)
  })

  it('counts its state, its buffer and what describes Ψ, before and after', () => {
    for (const [precision, size] of [
      ['f32', 4],
      ['f64', 8],
    ] as const) {
      const one = sketch(dense(3, 5), 2, { precision })
      expect(one.bytes).toBe(3 * 2 * size + 64 * 2 * 4 + 24)
      one.push(random(70, 2, 1))
      expect(one.bytes).toBe(3 * 2 * size + 64 * 2 * 4 + 24)
    }
  })

  it('refuses what it cannot be', () => {
    expect(() => sketch(dense(3, 5), 0)).toThrow('sketch: width must be an integer >= 1, got 0')
    expect(() => sketch(dense(3, 5), 1, { precision: any('f16') })).toThrow(
      "sketch: precision must be 'f32' or 'f64', got f16",
    )
    expect(() => denseSketchMatrix({ kind: 'k', m: 0, seed: 1, columns })).toThrow(
      'k: m must be an integer >= 1, got 0',
    )
    expect(() => denseSketchMatrix({ kind: 'k', m: 1, seed: any(undefined), columns })).toThrow(TypeError)
    expect(() => sparseSketchMatrix({ kind: 'k', m: 1, seed: 1, nonzeros: 0, entries: columns })).toThrow(
      'k: nonzeros must be',
    )
    expect(() => dense(2, 1).accumulate(matrix(3, 1), matrix(1, 1), 0)).toThrow(
      'test-dense: into must have 2 rows, got 3',
    )
    expect(() => sparse(2, 1).accumulate(matrix(2, 2), matrix(1, 1), 0)).toThrow(
      'test-sparse/3: into must have 1 columns, got 2',
    )
    expect(() => innerProduct(sketch(dense(2, 1), 1), sketch(dense(2, 2), 1))).toThrow('seed differs')
    expect(() => project(dense(2, 1), any({}))).toThrow(TypeError)
  })
})

describe('a snapshot of a sketch', () => {
  const bytes = filled().toBytes()
  const changed = (parameters: Record<string, string>, tensors: Record<string, unknown> = {}, kind = 'sketch') => {
    const snapshot = decodeSnapshot(bytes)
    return encodeSnapshot({
      kind,
      version: '1',
      parameters: { ...snapshot.parameters, ...parameters },
      tensors: any({ ...Object.fromEntries(snapshot.tensors), ...tensors }),
    })
  }

  it('is refused by another matrix, by name', () => {
    expect(() => restoreSketch(sparse(3, 5), bytes)).toThrow(
      'restoreSketch: matrix differs: the matrix has test-sparse/3, the snapshot test-dense',
    )
    expect(() => restoreSketch(dense(4, 5), bytes)).toThrow('restoreSketch: m differs')
    expect(() => restoreSketch(dense(3, 6), bytes)).toThrow('restoreSketch: seed differs')
  })

  it('is refused when its parts do not fit', () => {
    const hostile = [
      changed({}, {}, 'exact'),
      changed({ width: '3' }),
      changed({ width: '0' }),
      changed({ width: '' }),
      changed({ width: '1e999' }),
      changed({ rows: '-1' }),
      changed({ rows: 'many' }),
      changed({ rows: '3' }),
      changed({ first: '0.5' }),
      changed({ first: '130' }),
      changed({}, { state: f32([3, 3]) }),
      changed({}, { state: { dtype: 'U8', shape: [6], data: new Uint8Array(6) } }),
      changed({}, { buffer: f32([65, 2]) }),
      changed({}, { buffer: f32([3]) }),
      changed({}, { buffer: f32([6, 2], NaN) }),
    ]
    for (const each of hostile) {
      expect(() => restoreSketch(dense(3, 5), each)).toThrow(RangeError)
      expect(() => restoreSketch(dense(3, 5), each)).toThrow(/^[a-zA-Z]+: /)
    }
    expect(restoreSketch(dense(3, 5), changed({})).toBytes()).toEqual(bytes)
  })

  it.each([
    ['m', ['0', '1.5', '-3', 'x', '', '3.0000001']],
    ['width', ['0', '1.5', '-2', 'x', '']],
    ['seed', ['-1', '1.5', 'x', '', '18446744073709551616']],
    ['rows', ['-1', '0.5', 'x', '', '9007199254740993']],
    ['first', ['-1', '0.5', 'x', '']],
  ])('is refused for its %s, by name', (name, texts) => {
    for (const text of texts) expect(() => restoreSketch(dense(3, 5), changed({ [name]: text }))).toThrow(new RegExp(`: ${name} (must|differs)`)) // prettier-ignore
  })

  it('has no entry whose sums could leave its precision, wherever it stands', () => {
    for (const at of [0, 3, 5]) {
      const state = (value: number) => {
        const made = f32([3, 2])
        made.data[at] = value
        return changed({}, { state: made })
      }
      for (const sign of [1, -1]) {
        expect(() => restoreSketch(dense(3, 5), state(sign * 2 ** 127 * 1.001))).toThrow(RangeError)
        const [one, other] = [2 ** 127, 2 ** 126].map((value) => restoreSketch(dense(3, 5), state(sign * value)))
        expect(() => one.merge(one)).toThrow('sketch: cannot merge, a sum of the two would leave float32')
        expect(() => other.merge(restoreSketch(dense(3, 5), state(2 ** 126)))).not.toThrow()
      }
    }
  })
})
