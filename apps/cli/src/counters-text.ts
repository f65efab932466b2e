/** A sentence for each counter of a stream, for its rows out of all. */
const COUNTED: Readonly<Record<string, string>> = {
  fallbacks: 'had a negative or vanishing mass and were answered by a lower degree',
  frozen: 'had scores spread wider than the closure can follow',
}

/** A line for every counter that is not zero; `rows` is how many answers were given in all. */
export function countersText(counters: Readonly<Record<string, number>>, rows: number): string[] {
  return Object.entries(COUNTED).flatMap(([name, meaning]) => {
    const count = counters[name] ?? 0
    return count > 0 ? [`${count} of ${rows} answers ${meaning}`] : []
  })
}
