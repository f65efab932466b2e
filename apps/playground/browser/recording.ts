import { languageModel } from '@sublinear/small-lm'
import { readFileSync } from 'node:fs'
import { asked, lanes } from '../src/reading/lanes.ts'
import { METHODS } from '../src/reading/method-names.ts'
import { needlesIn } from '../src/reading/needles.ts'
import { withNeedles } from '../src/reading/planted.ts'
import type { Recorded } from '../src/reading/recorded.ts'
import { BLOCK, SHARES, USUAL } from '../src/reading/usual.ts'

const file = (path: string) => readFileSync(new URL(path, import.meta.url))

/** Recording that the first page shows before its model is there; `most` tokens are read, or all. */
export function recording(most = Infinity): Recorded {
  const book = file('../src/reading/excerpt.txt').toString('utf8').trim()
  const model = languageModel(file(`../../../packages/small-lm/data/${USUAL.model}.safetensors`))
  const needles = needlesIn(USUAL.needles, book)
  const { bos, encode, bytesOf } = model.tokenizer
  const ids = [bos, ...encode(withNeedles(book, needles))]
  const read = lanes(model, METHODS, { tokens: ids.length, share: SHARES[Number(USUAL.share)] })
  const steps: Recorded['steps'][number][] = []
  let letters = 0
  for (let at = 0; at < Math.min(most, ids.length); at += BLOCK) {
    const block = ids.slice(at, at + BLOCK)
    for (const { run } of read) run.read(block, 'none')
    letters += bytesOf(at === 0 ? block.slice(1) : block).length
    const [{ run }] = read
    steps.push([run.tokens, letters, run.cacheBytes, ...read.map((lane) => lane.run.bytes)])
  }
  const answers = needles.map(({ word }) => ({
    word,
    all: read.map(({ name, run }) => ({ name, said: asked(model, run, word) })),
  }))
  return { total: ids.length, names: read.map(({ name }) => name), steps, answers }
}
