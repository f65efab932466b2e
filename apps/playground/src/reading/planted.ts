import { needleText } from '@sublinear/small-lm'

/** A planted word, and the value that it is to be remembered with. */
export interface Needle {
  readonly word: string
  readonly value: string
}

/** A text with needles in it, each at a place of the text in letters. */
export function withNeedles(text: string, needles: readonly (Needle & { readonly at: number })[]): string {
  let [out, from] = ['', 0]
  for (const { at, word, value } of needles.toSorted((a, b) => a.at - b.at)) {
    out += text.slice(from, at) + needleText(word, value)
    from = at
  }
  return out + text.slice(from)
}
