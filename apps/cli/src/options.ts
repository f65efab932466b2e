import { InvalidArgumentError } from 'commander'

/** Makes a parser of whole numbers; commander turns the errors of parsers into usage errors (exit code 1). */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || !(value >= least && value <= most)) {
      const bounds = most === Number.MAX_SAFE_INTEGER ? `>= ${least}` : `from ${least} to ${most}`
      throw new InvalidArgumentError(`must be a whole number ${bounds}.`)
    }
    return value
  }
}

export function scaleNumber(text: string): number {
  return positiveNumber(1024)(text)
}

export function positiveNumber(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() === '' || !(value > 0 && value <= most)) {
      throw new InvalidArgumentError(`must be a number > 0, at most ${most}.`)
    }
    return value
  }
}

export function list(text: string): string[] {
  const parts = text.split(',').map((part) => part.trim())
  if (parts.includes('')) throw new InvalidArgumentError('must be a list such as a,b.')
  return parts
}
