import { philox, seedWords } from '@sublinear/core'
import { needleText, questionText, reader, type HeadSpec, type LanguageModel, type Reader } from '@sublinear/small-lm'

/** A needle, planted when `at` tokens of the text were read, and asked for when so many more were. */
export interface Needle {
  readonly at: number
  readonly asked: readonly number[]
}

export interface LongRead {
  readonly model: LanguageModel
  readonly stream: HeadSpec
  /** Token ids of the text. */
  readonly ids: Uint16Array
  /** First token of the text that is read. */
  readonly from: number
  /** Tokens read in all. */
  readonly tokens: number
  readonly needles: readonly Needle[]
  /** Words that values are remembered under. */
  readonly words: readonly string[]
  readonly seed: number
  /** Where windows of 512 tokens begin that are scored. */
  readonly windows: readonly number[]
}

export interface Answered {
  readonly asked: number
  readonly isRight: boolean
  /** Surprise of the value's tokens together, in nats. */
  readonly nats: number
}

export interface Read {
  /** Bits per byte, a window each. */
  readonly bits: readonly number[]
  /** Answers by needle, and by how far back it stood. */
  readonly answers: readonly (readonly Answered[])[]
  /** The most and the least that all heads held, looked at after every 1024 tokens once 4096 were read. */
  readonly bytes: { readonly most: number; readonly least: number }
}

/** Tokens of a window that is scored. */
export const SCORED = 512
/** Tokens that a reader of its own reads before a window, within what the model was trained on. */
export const FRESH = 1536
/** Between two looks at the bytes. */
const LOOK = 1024
const STEADY = 4096

/**
 * One text, read once from the left. Needles ` (remember word 1234)` are put in on the way, at the next token that begins a word; each is asked for on trial
 * (` (recall word` and the value, of which every token must be the likeliest), so many tokens later, and then question and answer are forgotten:
 * no question sees another. Windows are scored as they are read; a question that falls into one, or into a needle, is asked at its end.
 */
export function longRead({ model, stream, ids, from, tokens, needles, words, seed, windows }: LongRead): Read {
  const { bos, encode, bytesOf } = model.tokenizer
  const drawn = draws(seed, from)
  const chosen = chosenWords(words, needles.length, drawn)
  const values = needles.map(() => String(drawn(10_000)).padStart(4, '0'))
  const bits: number[] = []
  const answers: Answered[][] = needles.map(() => [])
  let questions: { place: number; needle: number; asked: number }[] = []
  const bytes = { most: 0, least: Infinity }
  using run = reader({ model, stream })
  run.read([bos], 'none')
  let at = 0 // tokens of the text that were read
  let planted = 0 // tokens of needles
  let next = 0 // the needle that comes next
  const stands = () => at + planted

  const ask = (needle: number) => {
    const value = [...encode(` ${values[needle]}`)]
    const question = [...encode(questionText(chosen[needle]))]
    const { data, cols } = run.tryOut([...question, ...value.slice(0, -1)], 'all')
    run.accept(0)
    const rows = value.map((_, i) => data.subarray((question.length - 1 + i) * cols, (question.length + i) * cols))
    return {
      isRight: value.every((id, i) => likeliest(rows[i]) === id),
      nats: value.reduce((sum, id, i) => sum + surprise(rows[i], id), 0),
    }
  }

  while (stands() < tokens) {
    const look = stands()
    if (look > STEADY) {
      bytes.most = Math.max(bytes.most, run.bytes)
      bytes.least = Math.min(bytes.least, run.bytes)
    }
    for (const { needle, asked } of questions.filter(({ place }) => place <= look))
      answers[needle].push({ asked, ...ask(needle) })
    questions = questions.filter(({ place }) => place > look)
    if (
      next < needles.length &&
      look >= needles[next].at &&
      beginsWord(bytesOf(ids.subarray(from + at, from + at + 1)))
    ) {
      const text = encode(needleText(chosen[next], values[next]))
      run.read(text, 'none')
      planted += text.length
      for (const asked of needles[next].asked) questions.push({ place: stands() + asked, needle: next, asked })
      next++
      continue
    }
    if (windows.includes(at)) {
      bits.push(bitsFrom(run, model, ids, from + at))
      at += SCORED
      continue
    }
    const stops = [
      tokens,
      look + LOOK,
      ...questions.map(({ place }) => place),
      ...windows.filter((window) => window > at).map((window) => window + planted),
      ...(next < needles.length ? [Math.max(needles[next].at, look + 1)] : []),
    ]
    const some = Math.min(...stops) - look
    run.read(ids.subarray(from + at, from + at + some), 'none')
    at += some
  }
  return { bits, answers, bytes }
}

/** Bits per byte of the same windows, each by an exact reader that begins FRESH tokens before. */
export function freshBits(
  model: LanguageModel,
  stream: HeadSpec,
  ids: Uint16Array,
  starts: readonly number[],
): number[] {
  return starts.map((start) => {
    using run = reader({ model, stream })
    run.read([model.tokenizer.bos, ...ids.subarray(start - FRESH, start)], 'none')
    return bitsFrom(run, model, ids, start)
  })
}

/** Bits per byte of the tokens from `start` on, all of whose predecessors were read; they are read too. */
function bitsFrom(run: Reader, { tokenizer }: LanguageModel, ids: Uint16Array, start: number): number {
  const own = ids.subarray(start, start + SCORED)
  // The first is predicted by what was read last, of which no logits are left: it is not scored.
  const { data, cols } = run.read(own, 'all')
  let nats = 0
  for (let i = 1; i < SCORED; i++) nats += surprise(data.subarray((i - 1) * cols, i * cols), own[i])
  return nats / Math.LN2 / tokenizer.bytesOf(own.subarray(1)).length
}

function surprise(row: Float32Array, id: number): number {
  let top = -Infinity
  for (const x of row) top = Math.max(top, x)
  let mass = 0
  for (const x of row) mass += Math.exp(x - top)
  return Math.log(mass) + top - row[id]
}

function likeliest(row: Float32Array): number {
  let best = 0
  for (let i = 1; i < row.length; i++) if (row[i] > row[best]) best = i
  return best
}

const beginsWord = ([first]: Uint8Array) => first === 0x20 || first === 0x0a

/** Numbers below a bound, one after another. */
function draws(seed: number, from: number): (bound: number) => number {
  const [low, high] = seedWords(BigInt(seed))
  const words = new Uint32Array(4)
  let drawn = 0
  return (bound) => {
    if (drawn % 4 === 0) philox(words, low, high, drawn / 4, from, 0, 0x656e646c)
    return Math.floor((words[drawn++ % 4] / 2 ** 32) * bound)
  }
}

function chosenWords(words: readonly string[], count: number, below: (bound: number) => number): string[] {
  const left = [...words]
  return Array.from({ length: count }, () => left.splice(below(left.length), 1)[0])
}
