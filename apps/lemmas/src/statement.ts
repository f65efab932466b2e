/** A control of a statement: a number that the visitor moves, or one of some names. */
export interface Control {
  /** Name in the settings, and in the address of a page. */
  readonly name: string
  readonly label: string
  readonly least: number
  readonly most: number
  readonly step: number
  /** Value at the start. */
  readonly usual: number
  /** How it is written: as it is, as a percentage, in degrees. */
  readonly unit?: '%' | '°' | undefined
  /** Names of the values 0, 1, 2 …, which are then chosen from a list. */
  readonly names?: readonly string[] | undefined
}

/** Values of the controls of a statement, by their names. */
export type Settings = Readonly<Record<string, number>>

/** A statement of a paper whose inequality can be tried: what it says, and what a visitor may change. No code of it is here, so that a page can draw it before that is loaded. */
export interface Statement {
  readonly name: string
  readonly title: string
  /** Sentences that say the inequality, and what moving the controls shows. */
  readonly says: string
  /** Name of what is drawn afresh in each trial, in the plural. */
  readonly fresh: string
  readonly trials: number
  /** Share of the trials that may fail. */
  readonly allowed: number
  readonly controls: readonly Control[]
}

/** A statement with its settings, ready for trials. */
export interface Ready {
  /** Sizes that follow from the settings. */
  readonly facts: string
  /** Error of one trial, in units of the bound: above 1 the inequality failed. */
  readonly trial: (seed: number) => number
}

/** Builds what the trials of a statement need. */
export type Prepare = (settings: Settings) => Ready

/** The settings of a statement: those that are wanted where they are in range, the usual ones elsewhere. */
export function settingsOf({ controls }: Statement, wanted: Readonly<Record<string, unknown>> = {}): Settings {
  return Object.fromEntries(
    controls.map(({ name, least, most, usual }) => {
      const value = Number(wanted[name] ?? NaN)
      return [name, value >= least && value <= most ? value : usual]
    }),
  )
}

/** A setting in the words of its control. */
export function written({ unit, names }: Control, value: number): string {
  if (names) return names[value] ?? ''
  if (unit === '%') return `${Number((100 * value).toPrecision(3))} %`
  return unit ? `${value}${unit}` : String(value)
}
