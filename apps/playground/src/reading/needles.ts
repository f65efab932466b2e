import type { Needle } from './planted'
import { endOfWord } from './words.ts'

export interface PlacedNeedle extends Needle {
  /** Number of the letter of the plain text after which it stands. */
  readonly at: number
}

/** Writes needles as text for an address: word.value.at, separated by commas. */
export function needlesText(needles: readonly PlacedNeedle[]): string {
  return needles.map(({ word, value, at }) => `${word}.${value}.${at}`).join(',')
}

/** Reads the needles in such an address, each placed after the word of the book that has its letter; malformed ones are left out. */
export function needlesIn(address: string, book: string): PlacedNeedle[] {
  return address.split(',').flatMap((part) => {
    const found = /^([a-z]{2,20})\.(\d{4})\.(\d{1,7})$/.exec(part)
    return found ? [{ word: found[1], value: found[2], at: endOfWord(book, Number(found[3])) }] : []
  })
}

/** A word that is not planted yet, with a value that depends on the place alone. */
export function nextNeedle(words: readonly string[], planted: readonly Needle[], at: number): PlacedNeedle {
  const free = words.filter((word) => planted.every((one) => one.word !== word))
  const word = free[(at * 7) % free.length]
  return { word, value: String(1000 + ((at * 7919) % 9000)), at }
}
