/** Cuts text that comes in pieces at the first of some stop strings. */
export interface StopText {
  /** Takes a piece; returns the text that can be shown so far, of which nothing may be the beginning of a stop string. `isOver`: a stop string was found. */
  push(piece: string): { readonly text: string; readonly isOver: boolean }
  /** Returns the text that was held back. */
  end(): string
}

/**
 * Makes a text that stops at any of these strings.
 *
 * Guarantee: push and end return the text before the first occurrence of a stop string (of two that begin at one place, either), whatever the pieces.
 * @throws TypeError when a stop string is empty
 */
export function stopText(stops: readonly string[]): StopText {
  if (!Array.isArray(stops) || stops.some((stop) => typeof stop !== 'string' || stop === ''))
    throw new TypeError('generate: stop must be a list of strings that are not empty')
  let held = ''
  return {
    push(piece) {
      held += piece
      const found = stops.map((stop) => held.indexOf(stop)).filter((at) => at >= 0)
      if (found.length > 0) {
        const text = held.slice(0, Math.min(...found))
        held = ''
        return { text, isOver: true }
      }
      const kept = Math.max(0, ...stops.map((stop) => beginning(held, stop)))
      const text = held.slice(0, held.length - kept)
      held = held.slice(held.length - kept)
      return { text, isOver: false }
    },
    end() {
      const text = held
      held = ''
      return text
    },
  }
}

/** How many of the last characters of a text begin a string. */
function beginning(text: string, stop: string): number {
  for (let count = Math.min(text.length, stop.length - 1); count > 0; count--)
    if (text.endsWith(stop.slice(0, count))) return count
  return 0
}
