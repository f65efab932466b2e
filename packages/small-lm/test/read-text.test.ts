// Texts that come in parts: questions found wherever the parts are cut, answered from what stands before them.
// Kills: a question found only within one part, a word taken for its first token, the answer read twice, the last pre-token lost,
// memory that grows with the text.
import { exactStream } from '@sublinear/exact-attention'
import { sinks, tiers, window } from '@sublinear/kv-cache'
import { expect, test } from 'vitest'
import { readText, type HeadSpec, type Reading } from '../src'
import { heldOut, model } from './model-files'

const bounded: HeadSpec = (shape) => tiers({ ...shape, parts: [sinks({ count: 4 }), window({ count: 60 })] })

async function read(source: readonly Uint8Array[], stream: HeadSpec = exactStream): Promise<Reading[]> {
  const all: Reading[] = []
  for await (const reading of readText({ model: model('sharp'), stream, source })) all.push(reading)
  return all
}

const answers = (readings: readonly Reading[]) => readings.flatMap(({ answer }) => answer ?? [])
const bytes = (text: string) => new TextEncoder().encode(text)
const parts = (whole: Uint8Array, size: number) =>
  Array.from({ length: Math.ceil(whole.length / size) }, (_, i) => whole.subarray(i * size, (i + 1) * size))

const straw = new TextDecoder().decode(heldOut('romans').subarray(0, 1500))
const text = `${straw} (remember falcon 4729)${straw} (remember ivy 0815) and said unto her, (recall falcon) and again, (recall ivy) and (recallx`

test('answers questions from what stands before them, however the text is cut', async () => {
  const want = [
    { word: 'falcon', text: ' 4729' },
    { word: 'ivy', text: ' 0815' },
  ]
  const whole = await read([bytes(text)])
  expect(answers(whole)).toEqual(want)
  for (const size of [7, 1000]) {
    const cut = await read(parts(bytes(text), size))
    expect(answers(cut)).toEqual(want)
    expect(cut.at(-1)!.tokens).toBe(whole.at(-1)!.tokens)
  }
  const own = model('sharp').tokenizer.encode(text).length + 1
  expect(whole.at(-1)!.tokens).toBe(own + 4) // two answers of two tokens
})

test('meets a question wherever the blocks of 128 tokens and the parts of 4096 bytes end, once, and none in what goes on', async () => {
  for (let count = 120; count < 130; count++) {
    const around = await read([bytes(`${' a'.repeat(count)} (recall persuasion) a`)], bounded) // the word is several tokens
    expect(answers(around).map(({ word }) => word)).toEqual(['persuasion'])
  }
  const far = 'a\n'.repeat(2040)
  for (let length = 0; length < 24; length += 4)
    expect(
      answers(await read([bytes(`${far}${'\n'.repeat(length)} (recall ivy) a`)], bounded)).map(({ word }) => word),
    ).toEqual(['ivy'])
  const longest = 'x'.repeat(1000)
  const words = answers(
    await read(
      [bytes(` (recall ${longest}) a (recall y${longest}zz) (recall) (recall 5) (recallx) (recall ivy)`)],
      bounded,
    ),
  )
  expect(words).toEqual([
    { word: longest, text: '', refused: 'never planted' },
    { word: `y${longest}`, text: '', refused: 'too long' },
    { word: 'ivy', text: '', refused: 'never planted' },
  ])
})

test('asks the model only for words that were planted before, whole, however the text is cut', async () => {
  const long = 'x'.repeat(999)
  const text =
    ` (recall falcon) (remember falcon 4729) (recall falcon) (recall falco) (recall falcons) (recall Falcon)` +
    ` (remember ${long} 1234) (recall ${long}) (recall ivy) (remember ivy`
  const want = [
    ['falcon', 'never planted'],
    ['falcon', undefined],
    ['falco', 'never planted'],
    ['falcons', 'never planted'],
    ['Falcon', 'never planted'],
    [long, undefined],
    ['ivy', 'never planted'],
  ]
  for (const size of [1, 13, 4096])
    expect(answers(await read(parts(bytes(text), size))).map(({ word, refused }) => [word, refused])).toEqual(want)
})

test('answers a question at the very end, and one about a word of several tokens by its whole', async () => {
  expect(answers(await read(parts(bytes(`${straw} (remember falcon 4729)${straw} (recall falcon`), 64)))).toEqual([
    { word: 'falcon', text: ' 4729' },
  ])
  expect(
    answers(await read([bytes(`${straw} (remember persuasion 1111) (recall persuasion`)])).map(({ word }) => word),
  ).toEqual(['persuasion'])
})

test('holds the same bytes after 1000 and after 5000 tokens, and says how much more a cache would hold', async () => {
  const readings = await read(parts(heldOut('romans').subarray(0, 15_000), 4096), bounded)
  const [early, late] = [readings.find(({ tokens }) => tokens > 1000)!, readings.at(-1)!]
  expect(late.tokens).toBeGreaterThan(5000)
  expect(late.bytes).toBe(early.bytes)
  expect(late.cacheBytes).toBe(late.tokens * 4 * 4 * 64 * 4)
})

test('reads nothing as nothing', async () => {
  expect(await read([])).toEqual([{ tokens: 1, bytes: expect.any(Number), cacheBytes: 4096 }])
  expect((await read([new Uint8Array(0)])).length).toBe(1)
})
