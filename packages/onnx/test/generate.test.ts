import { exactStream } from '@sublinear/exact-attention'
import * as ort from 'onnxruntime-node'
import { afterAll, describe, expect, it } from 'vitest'
import { generate, type GenerateOptions } from '../src/generate'
import { onnxModel } from '../src/onnx-model'
import { stopText } from '../src/stop-text'
import { llama } from './models/llama'
import { wholeGraph } from './models/whole-graph'

// Kills: a token that is read twice or not at all, half a character shown, a stop string that is shown in part or missed across pieces, an end token given.

const session = { intraOpNumThreads: 1, logSeverityLevel: 3 } as const
const bytes = llama({ dialect: 'gqa' }).files()['model.onnx']
const model = await onnxModel({ model: bytes, ort, session })
afterAll(() => model.release())
const IDS = Array.from({ length: 20 }, (_, i) => (i * 13 + 1) % 61)

async function said(options: Omit<GenerateOptions, 'ids'>, reader = model.reader({ stream: exactStream })) {
  const ids: number[] = []
  let text = ''
  for await (const token of generate(reader, { ids: IDS, ...options })) {
    if (token.id !== undefined) ids.push(token.id)
    text += token.text
  }
  return { ids, text, reader }
}

/** Tokens of the whole graph, the largest logit again and again. */
async function truth(count: number): Promise<number[]> {
  const whole = await wholeGraph(bytes)
  const ids: number[] = []
  for (let given = IDS; ids.length < count; given = ids.slice(-1)) {
    const { data, rows, cols } = await whole.read(given)
    const row = data.subarray((rows - 1) * cols)
    ids.push(row.indexOf(Math.max(...row)))
  }
  await whole.session.release()
  return ids
}
const bracketed = (ids: readonly number[]) => ids.map((id) => `<${id}>`).join('')

describe('generate', () => {
  it('says what the whole graph says, and can go on', async () => {
    const all = await truth(30)
    const first = await said({ most: 12 })
    expect(first.ids).toEqual(all.slice(0, 12))
    expect(first.reader.tokens).toBe(IDS.length + 11)
    const more: number[] = []
    for await (const { id } of generate(first.reader, { ids: first.ids.slice(-1), most: 18 })) more.push(id!)
    expect(more).toEqual(all.slice(12))
  })
  it('ends at an end token, which is not given', async () => {
    const all = await truth(12)
    const end = all.find((id, i) => i > 2 && all.indexOf(id) === i)!
    expect((await said({ most: 12, end: [end] })).ids).toEqual(all.slice(0, all.indexOf(end)))
    expect((await said({ most: 0 })).ids).toEqual([])
  })
  it('is the same for a seed', async () => {
    const [a, b, c] = [1, 1, 2].map((seed) => said({ most: 20, temperature: 5, seed }))
    expect((await a).ids).toEqual((await b).ids)
    expect((await a).ids).not.toEqual((await c).ids)
  })
  it('shows whole characters, and all of the text', async () => {
    const all = await truth(40)
    const parts = all.map((_, i) => new TextEncoder().encode('aé€𝄞')[i % 10]) // 1 + 2 + 3 + 4 bytes, a byte a token
    const decode = (ids: number[]) => {
      const from = ids.length === 0 ? 0 : starts(ids)
      return new TextDecoder().decode(Uint8Array.from(parts.slice(from, from + ids.length)))
    }
    /** Where a run of the tokens begins: they are found by their number. */
    const starts = (ids: number[]) => {
      for (let at = 0; at <= all.length - ids.length; at++) if (ids.every((id, i) => id === all[at + i])) return at
      return 0
    }
    let worst = ''
    let text = ''
    for await (const token of generate(model.reader({ stream: exactStream }), { ids: IDS, most: 10, decode })) {
      if (token.text.includes('\ufffd')) worst = token.text
      text += token.text
    }
    expect([text, worst]).toEqual(['aé€𝄞', ''])
  })
  it('stops at a string that several tokens make, and shows nothing of it', async () => {
    const all = await truth(12)
    const stop = [`${all[5]}><${all[6]}`]
    const { text, ids } = await said({ most: 12, decode: bracketed, stop })
    const whole = bracketed(all)
    expect(text).toBe(whole.slice(0, whole.indexOf(stop[0])))
    expect(ids.length).toBeLessThanOrEqual(7)
    expect((await said({ most: 4, decode: bracketed, stop: ['zz', '>q'] })).text).toBe(bracketed(all.slice(0, 4)))
  })
  it('is aborted between tokens', async () => {
    const abort = new AbortController()
    const reader = model.reader({ stream: exactStream })
    const run = generate(reader, { ids: IDS, most: 50, signal: abort.signal })
    await run.next()
    abort.abort(new Error('enough'))
    await expect(run.next()).rejects.toThrow('enough')
    expect(reader.tokens).toBe(IDS.length)
  })
  it('refuses what cannot be', async () => {
    await expect(said({ most: -1 })).rejects.toThrow(RangeError)
    await expect(said({ most: 1, stop: ['x'] })).rejects.toThrow('stop strings need decode')
    await expect(said({ most: 1, decode: String, stop: [''] })).rejects.toThrow('not empty')
    await expect(generate(model.reader({ stream: exactStream }), { ids: [], most: 1 }).next()).rejects.toThrow(
      'at least one token',
    )
  })
})

describe('stopText', () => {
  it('gives the text before the first stop string, whatever the pieces: every text of six of two letters, every cut', () => {
    const stops = ['aba', 'bb']
    for (let word = 0; word < 64; word++) {
      const text = Array.from({ length: 6 }, (_, i) => ((word >> i) & 1 ? 'a' : 'b')).join('')
      const ends = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0)
      const want = ends.length > 0 ? text.slice(0, Math.min(...ends)) : text
      for (let cuts = 0; cuts < 32; cuts++) {
        const pieces = text.replaceAll(/./g, (letter, at: number) => letter + ((cuts >> at) & 1 ? '|' : '')).split('|')
        const own = stopText(stops)
        let shown = ''
        let isOver = false
        for (const piece of pieces) {
          if (isOver) break
          const given = own.push(piece)
          shown += given.text
          ;({ isOver } = given)
        }
        expect(isOver ? shown : shown + own.end()).toBe(want)
        expect(isOver).toBe(ends.length > 0)
      }
    }
  })
})
