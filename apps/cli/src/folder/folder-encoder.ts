import type { TextTokenizer } from '@sublinear/small-lm'

type Encode = (text: string) => readonly number[]

/** Most letters between two places where a text may be cut; beyond, it is cut anywhere. */
const LONGEST = 65_536
const PROBE = ['It was a fine day, 12 345 of them', ' (remember falcon 4729) he said.\n', 'And on  it\twent']

/**
 * Makes an encoder of a text that comes in parts. It gives the ids of the text before the last space between two words, or before the last new line in front
 * of a word, which no later word changes. Where the ids of parts differ from those of the whole (a tokenizer may put a mark before every text), all text waits
 * for the end.
 *
 * Guarantee: the ids of the whole text, unless it has more than 65,536 letters without such a place.
 */
export function folderEncoder(encode: Encode): ReturnType<TextTokenizer['encoder']> {
  const decoder = new TextDecoder()
  const isInParts = PROBE.flatMap((part) => [...encode(part)]).join() === encode(PROBE.join('')).join()
  let waiting = ''
  const idsOf = (text: string) => Uint32Array.from(text === '' ? [] : encode(text))
  return {
    push(bytes) {
      waiting += decoder.decode(bytes, { stream: true })
      if (!isInParts) return new Uint32Array(0)
      const end = lastCut(waiting)
      const ready = waiting.slice(0, end)
      waiting = waiting.slice(end)
      return idsOf(ready)
    },
    end() {
      const rest = waiting + decoder.decode()
      waiting = ''
      return idsOf(rest)
    },
  }
}

/** The last place where a text may be cut; 0 where there is none. */
function lastCut(text: string): number {
  for (let i = text.length - 2; i > 0; i--) {
    const isSpace = text[i] === ' ' && isWord(text[i - 1]) && isWord(text[i + 1])
    if (isSpace) return i
    if (text[i] === '\n' && isWord(text[i + 1])) return i + 1
  }
  return text.length > LONGEST ? LONGEST - Number(isHalf(text.codePointAt(LONGEST - 1)!)) : 0
}

const isWord = (letter: string) => /\S/.test(letter)
/** Whether a character of two code units would be cut in half after this one. */
const isHalf = (code: number) => code > 0xffff
