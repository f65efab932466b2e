/** The word of a list that is nearest to a given one: with the fewest letters inserted, left out or exchanged. Capitals count as small letters. */
export function nearest(word: string, words: readonly string[]): string {
  const distances = words.map((other) => distance(word.toLowerCase(), other.toLowerCase()))
  return words[distances.indexOf(Math.min(...distances))]
}

/** Levenshtein's distance, row by row. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length]
}
