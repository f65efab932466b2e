import { catalogue } from '@sublinear/attention'
import {
  headStreams,
  largest,
  questionText,
  reader,
  type HeadSpec,
  type LanguageModel,
  type Reader,
} from '@sublinear/small-lm'
import type { MethodName } from './method-names'

/** A reader of one method. */
export interface Lane {
  readonly name: MethodName
  readonly run: Reader
}

/**
 * Makes readers of these methods, each head within a share of the bytes that the whole text takes in an exact cache. A method without so small a stream is left
 * out.
 *
 * @param tokens  of all that is read
 * @param share  0 < share <= 1, of the exact cache of so many tokens as `cached`; default all
 */
export function lanes(
  model: LanguageModel,
  names: readonly MethodName[],
  {
    tokens,
    share,
    cached = tokens,
  }: { readonly tokens: number; readonly share: number; readonly cached?: number | undefined },
): Lane[] {
  const { d } = model.config
  const budgetBytes = Math.round(8 * d * cached * share)
  return names.flatMap((name) => {
    const spec = specNamed(model, name, budgetBytes, tokens)
    return spec ? [{ name, run: reader({ model, stream: spec }) }] : []
  })
}

function specNamed(model: LanguageModel, name: string, budgetBytes: number, tokens: number): HeadSpec | undefined {
  const method = catalogue.find((one) => one.name === name)!
  return headStreams({ model, method, budgetBytes, tokens })
}

/** Tokens of the longest answer. */
const LONGEST = 4

/** Asks a reader for a word on trial: afterwards it is as it was before. */
export function asked(model: LanguageModel, run: Reader, word: string): string {
  const { encode, bytesOf, decode } = model.tokenizer
  const said: number[] = []
  let next = largest(run.tryOut(encode(questionText(word)), 'last').data)
  while (said.length < LONGEST && bytesOf([next])[0] !== 0x29) {
    said.push(next)
    next = largest(run.tryOut([next], 'last').data)
  }
  run.accept(0)
  return decode(said).trim()
}
