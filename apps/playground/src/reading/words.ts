/** The end of the word that has this letter, where a needle may be planted. */
export function endOfWord(text: string, letter: number): number {
  const rest = /\s/.exec(text.slice(letter))
  return rest ? letter + rest.index : text.length
}

/** Words with the place of their first letter, and paragraphs of such. */
export interface Word {
  readonly at: number
  readonly text: string
}
export function paragraphs(text: string): Word[][] {
  const out: Word[][] = []
  let at = 0
  for (const part of text.split(/(\n\s*\n)/)) {
    if (part.trim())
      out.push(Array.from(part.matchAll(/\S+/g), ({ 0: word, index }) => ({ at: at + index, text: word })))
    at += part.length
  }
  return out
}
