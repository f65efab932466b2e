// The reading behind the first page. Kills: needles within a word, addresses that lose a needle, a question that changes what is read next, a lane over its bytes,
// answers that are not the model's.
import { readFileSync } from 'node:fs'
import { languageModel } from '@sublinear/small-lm'
import { describe, expect, it } from 'vitest'
import { recording } from '../browser/recording.ts'
import { asked, lanes } from '../src/reading/lanes'
import { METHODS, SAID } from '../src/reading/method-names'
import { needlesIn, needlesText, nextNeedle } from '../src/reading/needles'
import { withNeedles } from '../src/reading/planted'
import { progressOf, type Recorded } from '../src/reading/recorded'
import { BLOCK } from '../src/reading/usual'
import { endOfWord, paragraphs } from '../src/reading/words'

const book = readFileSync(new URL('../src/reading/excerpt.txt', import.meta.url), 'utf8').trim()
const model = languageModel(readFileSync(new URL('../../../packages/small-lm/data/sharp.safetensors', import.meta.url)))

describe('needles', () => {
  it('stand behind words, and come back from an address', () => {
    const needles = needlesIn('falcon.4729.702,velvet.0001.99999999,nonsense,a.b.c', book)
    expect(needles.map(({ word, value }) => [word, value])).toEqual([['falcon', '4729']])
    expect(book[needles[0].at]).toMatch(/\s/)
    expect(needlesIn(needlesText(needles), book)).toEqual(needles)
    expect(withNeedles('one two', [{ word: 'oak', value: '1234', at: 3 }])).toBe('one (remember oak 1234) two')
    expect(endOfWord('one two', 5)).toBe(7)
    const two = withNeedles(book, [...needles, { word: 'velvet', value: '0001', at: 0 }])
    expect(two.replaceAll(/ \(remember [a-z]+ \d{4}\)/g, '')).toBe(book)
  })

  it('have words that are not planted yet', () => {
    const first = nextNeedle(['a', 'b'], [], 5)
    const second = nextNeedle(['a', 'b'], [first], 5)
    expect(new Set([first.word, second.word])).toEqual(new Set(['a', 'b']))
    expect(second.value).toMatch(/^\d{4}$/)
  })

  it('words of a text have their places', () => {
    const words = paragraphs('One two.\n\nThree')
    expect(words).toEqual([
      [
        { at: 0, text: 'One' },
        { at: 4, text: 'two.' },
      ],
      [{ at: 10, text: 'Three' }],
    ])
    for (const { at, text } of paragraphs(book).flat()) expect(book.slice(at, at + text.length)).toBe(text)
  })
})

describe('lanes', () => {
  const text = withNeedles(book.slice(0, 1500), [{ word: 'falcon', value: '4729', at: 300 }])
  const ids = [model.tokenizer.bos, ...model.tokenizer.encode(text)]
  const share = 1 / 4

  it('hold no more than they may, and each says what it is', () => {
    const whole = 16 * 8 * model.config.d * ids.length
    for (const name of METHODS) {
      const [lane] = lanes(model, [name], { tokens: ids.length, share })
      lane.run.read(ids, 'none')
      if (name === 'exact') expect(lane.run.cacheBytes).toBe(whole)
      else expect(lane.run.bytes).toBeLessThanOrEqual(whole * share)
      expect(SAID[name].length).toBeGreaterThan(10)
      lane.run[Symbol.dispose]()
    }
  })

  it('answers are the model’s, and a question leaves no trace', () => {
    const [exact] = lanes(model, ['exact'], { tokens: ids.length, share })
    const [twin] = lanes(model, ['exact'], { tokens: ids.length, share })
    exact.run.read(ids, 'none')
    twin.run.read(ids, 'none')
    expect(asked(model, exact.run, 'falcon')).toBe('4729')
    expect(asked(model, exact.run, 'falcon')).toBe('4729')
    expect(exact.run.tokens).toBe(ids.length)
    expect(exact.run.read([65, 66], 'last').data).toEqual(twin.run.read([65, 66], 'last').data)
  })
})

describe('what is shown until the model is there', () => {
  it('is what the model does', () => {
    const recorded = JSON.parse(
      readFileSync(new URL('../src/reading/recorded.json', import.meta.url), 'utf8'),
    ) as Recorded
    const again = recording(4 * BLOCK)
    expect(recorded.steps.slice(0, 4)).toEqual(again.steps)
    expect([recorded.total, recorded.names]).toEqual([again.total, again.names])
    expect(recorded.steps.at(-1)?.[0]).toBe(recorded.total)
    const answers = recorded.answers[0].all
    expect(answers.find(({ name }) => name === 'exact')?.said).toBe('4729')
    expect(answers.map(({ name }) => name)).toEqual(recorded.names)
    expect(progressOf(recorded, 0)).toMatchObject({ tokens: BLOCK, total: recorded.total })
  })
})
