// Broken files, ids and streams: refused with a reason, and a refused call has read nothing.
// Kills: a missing check of shapes (a transposed matrix has as many entries), a tensor too many passed over, ids checked block by block
// (the first 128 would be read before the fault is found), a reader that reads on after a stream failed.
import { decodeSnapshot, encodeSnapshot, type Snapshot, type Tensor } from '@sublinear/core'
import { exactStream } from '@sublinear/exact-attention'
import { describe, expect, test } from 'vitest'
import { capture, generate, languageModel, logits, reader } from '../src'
import { bytesOfModel, model } from './model-files'

const file = bytesOfModel('sharp')
const lm = model('sharp')

function edited(edit: (parts: { parameters: Record<string, string>; tensors: Record<string, Tensor> }) => void) {
  const snapshot: Snapshot = decodeSnapshot(file)
  const parts = { parameters: { ...snapshot.parameters }, tensors: Object.fromEntries(snapshot.tensors) }
  edit(parts)
  return encodeSnapshot({ ...snapshot, ...parts })
}

const withConfig = (change: object) =>
  edited(({ parameters }) => {
    parameters['config'] = JSON.stringify({ ...JSON.parse(parameters['config']), ...change })
  })

const tensor = (shape: number[], data: Tensor['data'], dtype: Tensor['dtype'] = 'F32') => ({ dtype, shape, data })

describe('a weight file is refused', () => {
  test.each([0, 7, 100, file.length / 2, file.length - 1])('when cut to %i bytes', (length) => {
    expect(() => languageModel(file.subarray(0, length))).toThrow(RangeError)
  })

  test('when one byte is damaged, of the header or of a weight', () => {
    for (const at of [9, 1000, 100_000, file.length - 1]) {
      const bytes = Uint8Array.from(file)
      bytes[at] ^= 1
      expect(() => languageModel(bytes)).toThrow(RangeError)
    }
  })

  test('when it is none, or of another kind', () => {
    expect(() => languageModel('sharp' as unknown as Uint8Array)).toThrow(TypeError)
    const other = encodeSnapshot({ kind: 'exact', version: '1', parameters: {}, tensors: {} })
    expect(() => languageModel(other)).toThrow('"small-lm"')
  })

  test('when a tensor is missing, too many, transposed, of integers or not finite', () => {
    const size = 192 * 768
    const cases: [string, Tensor | undefined, string][] = [
      ['blocks.3.up.weight', undefined, 'lacks the tensor blocks.3.up.weight'],
      ['blocks.4.up.weight', tensor([1], new Float32Array(1)), 'blocks.4.up.weight is not of this model'],
      [
        'blocks.3.up.weight',
        tensor([192, 768], new Float32Array(size)),
        'must have the shape [768, 192], got [192, 768]',
      ],
      ['blocks.3.up.weight', tensor([768, 192], new Int32Array(size), 'I32'), 'must be F32, F16 or BF16, got I32'],
      ['blocks.3.up.weight', tensor([768, 192], new Float32Array(size).fill(NaN)), 'got NaN at row 0, column 0'],
    ]
    for (const [name, tensor, message] of cases) {
      const bytes = edited(({ tensors }) => {
        if (tensor) tensors[name] = tensor
        else delete tensors[name]
      })
      expect(() => languageModel(bytes)).toThrow(message)
    }
  })

  test('when config or merges are missing or do not fit', () => {
    expect(() => languageModel(edited(({ parameters }) => delete parameters['config']))).toThrow(
      'the file has no config',
    )
    expect(() => languageModel(edited(({ parameters }) => (parameters['config'] = '{')))).toThrow('config is no JSON')
    expect(() => languageModel(edited(({ parameters }) => (parameters['merges'] = '[]')))).toThrow(
      'merges make 257 ids, the config says 1472',
    )
    expect(() => languageModel(withConfig({ d: 31 }))).toThrow('d must be even, got 31')
    expect(() => languageModel(withConfig({ layers: 1e9 }))).toThrow('layers must be an integer from 1 to 1024')
    expect(() => languageModel(withConfig({ heads: 8 }))).toThrow('must have the shape')
    expect(() => languageModel(withConfig({ epsilon: 0 }))).toThrow('epsilon must be a finite number > 0, got 0')
  })
})

describe('a reader', () => {
  test('refuses unknown ids before it reads any', () => {
    const run = reader({ model: lm, stream: exactStream })
    const ids = [lm.tokenizer.bos, ...Array.from({ length: 300 }, () => 5), 1472]
    expect(() => run.read(ids, 'none')).toThrow('reader: ids must be integers from 0 to 1471, got 1472 at position 301')
    expect(() => run.read([1, 2.5], 'none')).toThrow(RangeError)
    expect(() => run.read(5 as unknown as number[], 'none')).toThrow(TypeError)
    expect(() => run.read([1], 'some' as 'all')).toThrow("logits must be 'all', 'last' or 'none'")
    expect(run.tokens).toBe(0)
    expect(run.streams.flat().every(({ tokens }) => tokens === 0)).toBe(true)
  })

  test('takes nothing for what it is', () => {
    const run = reader({ model: lm, stream: exactStream })
    expect(run.read([], 'all').rows).toBe(0)
    expect(run.read([], 'last').rows).toBe(0)
    expect(logits({ model: lm, stream: exactStream, ids: [] }).rows).toBe(0)
    expect(capture({ model: lm, stream: exactStream, ids: [] })[15].keys.rows).toBe(0)
    expect(() => generate({ model: lm, stream: exactStream, ids: [], count: 1 })).toThrow(
      'at least one token, got none',
    )
    expect(generate({ model: lm, stream: exactStream, ids: [1], count: 0 })).toEqual(new Uint16Array(0))
  })

  test('refuses streams of another shape, one stream for two heads, and streams that have read', () => {
    const shape = { d: 32, dv: 32, scale: 1 / Math.sqrt(32) }
    const one = exactStream(shape)
    expect(() => reader({ model: lm, stream: () => one })).toThrow('a stream of its own')
    expect(() => reader({ model: lm, stream: () => exactStream({ ...shape, d: 16 }) })).toThrow('d = 32, got 16')
    expect(() => reader({ model: lm, stream: () => exactStream({ ...shape, scale: 1 }) })).toThrow('got 1')
    const used = () => {
      const stream = exactStream(shape)
      stream.push({
        keys: { rows: 1, cols: 32, data: new Float32Array(32) },
        values: { rows: 1, cols: 32, data: new Float32Array(32) },
      })
      return stream
    }
    expect(() => reader({ model: lm, stream: used })).toThrow('must be empty, got one with 1 tokens')
    expect(() => reader({ model: lm, stream: one as unknown as () => typeof one })).toThrow(TypeError)
  })

  test('does not read on after a stream has failed, or after it was disposed', () => {
    const run = reader({
      model: lm,
      stream: (shape, layer) => {
        const stream = exactStream(shape)
        if (layer === 2)
          stream.step = () => {
            throw new Error('out of memory')
          }
        return stream
      },
    })
    expect(() => run.read([1, 2], 'last')).toThrow('out of memory')
    expect(() => run.read([1, 2], 'last')).toThrow('cannot read on, a stream failed before')
    const other = reader({ model: lm, stream: exactStream })
    other[Symbol.dispose]()
    expect(() => other.read([1], 'last')).toThrow('it was disposed')
  })
})
