const UNITS = ['B', 'kB', 'MB', 'GB']

/** Writes bytes for people, in powers of 1000 and with three digits. */
export function bytesText(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)))
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${UNITS[power]}`
}

/** Writes a share as a fraction with a whole denominator: 1/8. */
export function shareText(share: number): string {
  return share >= 1 ? '1' : `1/${Math.round(1 / share)}`
}

export const countText = (count: number): string => count.toLocaleString('en-US', { maximumFractionDigits: 0 })
