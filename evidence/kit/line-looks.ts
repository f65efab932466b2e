/** Colour and marks of a line. */
export interface Look {
  readonly colour: string
  /** Lengths of dashes; empty for a whole line. */
  readonly dash: string
  readonly dots: boolean
}

/** Mid tones, far apart. */
const PALETTE = [
  '#c0392b',
  '#2471a3',
  '#1e8449',
  '#b9770e',
  '#7d3c98',
  '#17202a',
  '#5d6d7e',
  '#d4679a',
  '#8a7d1f',
  '#17a2a8',
  '#e67e22',
  '#8d5a3a',
]

/** Places in the palette of what many pictures show, so that it looks the same in all. */
const PLACES: Readonly<Record<string, number>> = {
  auto: 0,
  'no recipe': 0,
  quantised: 1,
  farClosure: 2,
  'far keys + closure': 2,
  h2o: 3,
  clusters: 4,
  momentKv: 5,
  reservoir: 6,
  'uniform sample': 6,
  'a uniform sample': 6,
  snapKv: 7,
  lagKv: 8,
  streamingLlm: 9,
  balanceKv: 10,
  tova: 11,
}

/** Looks of all names, in their order: of others than those above the places that none of these takes here; where all are taken, again with dashes. */
export function looksOf(
  lines: readonly { readonly name: string; readonly dashed?: boolean; readonly colour?: number }[],
): ReadonlyMap<string, Look> {
  const first = new Map<string, (typeof lines)[number]>()
  for (const line of lines) if (!first.has(line.name)) first.set(line.name, line)
  const taken = new Set([...first.values()].map(({ name, colour }) => colour ?? PLACES[name]))
  const free = Array.from(PALETTE.keys()).filter((place) => !taken.has(place))
  let others = 0
  return new Map(
    [...first].map(([name, { dashed = false, colour = PLACES[name] }]) => {
      const at = colour ?? (others < free.length ? free[others++] : others++)
      const isAgain = colour === undefined && others > free.length
      return [
        name,
        { colour: PALETTE[at % PALETTE.length], dash: dashed ? '5 4' : isAgain ? '9 3' : '', dots: !dashed },
      ]
    }),
  )
}
