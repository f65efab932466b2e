/** A sentence for each counter of a stream's tokens. */
const TOKENS: Readonly<Record<string, string>> = {
  beyond: 'with a feature above 2^24, which hides all others: centre the keys, or take another method',
  left: 'left out, since a sum would have overflowed float32',
}
/** A sentence for each counter of its answers; the number of all answers stands beside it. */
const COUNTED: Readonly<Record<string, string>> = {
  fallbacks: 'had a negative or vanishing mass and were answered by a lower degree',
  frozen: 'had scores spread wider than the closure can follow',
}

/** A line for every counter that is not zero; `rows` is the number of all answers. */
export function countersText(counters: Readonly<Record<string, number>>, rows: number): string[] {
  const lines = (meanings: typeof TOKENS, of: string) =>
    Object.entries(meanings).flatMap(([name, meaning]) => {
      const count = counters[name] ?? 0
      return count > 0 ? [`${count} ${of} ${meaning}`] : []
    })
  return [...lines(TOKENS, 'token(s)'), ...lines(COUNTED, `of ${rows} answers`)]
}
