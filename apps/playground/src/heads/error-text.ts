import type { Rating } from './heads-worker'

/** An error in two digits. */
export const percent = (error: number) =>
  error >= 10 ? `${Number(error.toPrecision(2))} times` : `${Number((100 * error).toPrecision(2))} %`

/** An interval in brackets, where there is one. */
export const intervalText = (interval: Rating['interval']) =>
  interval ? ` (${percent(interval[0]).replace(' %', '')}–${percent(interval[1])})` : ''
