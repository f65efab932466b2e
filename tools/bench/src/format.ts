import type { CaseResult, GroupResult } from './measure.ts'

const three = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })

export function number(value: number): string {
  return three.format(value)
}

/** The cells of a case after its name: median, quartiles, rate, ratios. */
export function cells({ median, p25, p75, gigaflops, ratios = {} }: CaseResult, { unit, rate }: GroupResult): string[] {
  return [
    `${number(median)} ${unit}`,
    `${number(p25)} … ${number(p75)}`,
    gigaflops === undefined ? (rate ? `${number(rate.one / median)} ${rate.name}` : '') : `${number(gigaflops)} GF`,
    Object.entries(ratios)
      .map(([name, { median }]) => `${number(median)}× ${name}`)
      .join('; '),
  ]
}
