import { MODELS } from './cells.ts'
import { HELD_OUT } from './prompt-sets.ts'
import { askedOf, bitsPerByteOf, cellOf, methodsIn, recallOf, rightOf, type Evidence, type Place } from './results.ts'
import { chanceName, NONE, rivals, shareName, table } from './tables.ts'

/** Where other prompts were asked: both models, as far as they were trained. */
export const heldOutPlaces = (): Place[] =>
  MODELS.flatMap((model) => [2, 8].map((share) => ({ model, tokens: 4096, share })))

const name = ({ model, share }: Place) => `${model}, ${shareName(share)}`

/** Recall and bits per byte of every method on other words and texts. */
export function heldOutTable(evidence: Evidence): string {
  const places = heldOutPlaces()
  const bits = (place: Place, method: string) => {
    const cell = cellOf(evidence, place, method)
    return cell && bitsPerByteOf(cell, undefined, HELD_OUT.texts)
  }
  return table(
    [
      'other words and texts',
      ...places.map((place) => `${name(place)}: needles`),
      ...places.map((place) => `${name(place)}: bits, more by`),
    ],
    methodsIn(evidence).map((method) => [
      method,
      ...places.map((place) => {
        const cell = cellOf(evidence, place, method)
        return cell ? recallOf(cell).toFixed(2) : NONE
      }),
      ...places.map((place) => {
        const [own, exact] = [bits(place, method), bits(place, 'exact')]
        if (own === undefined || exact === undefined) return NONE
        return method === 'exact' ? `of ${exact.toFixed(3)}` : (own - exact).toFixed(3)
      }),
    ]),
  )
}

/** `auto` beside exact attention and the best single policy there. */
export function heldOutRivals(evidence: Evidence): string {
  return table(
    ['model', 'bytes', 'exact', 'auto', 'of', 'of exact', 'best single policy', 'right', 'p', 'p by text'],
    rivals(evidence, heldOutPlaces()).map(({ place, best, own, p, byText }) => {
      const exact = rightOf(cellOf(evidence, place, 'exact')!)
      return [
        place.model,
        shareName(place.share),
        String(exact),
        String(rightOf(own)),
        String(askedOf(own)),
        (rightOf(own) / exact).toFixed(2),
        best.method,
        String(rightOf(best)),
        ...[p, byText].map(chanceName),
      ]
    }),
  )
}
