/** For JSON.stringify: numbers to four digits, so that another engine's last bits change nothing. */
export function fourDigits(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value
}
