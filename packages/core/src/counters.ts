import type { AttentionStream } from './contracts'

/** Sums of the counters of several streams, name by name. A stream without counters adds nothing. */
export function totalCounters(streams: readonly Pick<AttentionStream, 'counters'>[]): Record<string, number> {
  const totals: Record<string, number> = {}
  for (const { counters } of streams) {
    for (const [name, count] of Object.entries(counters ?? {})) totals[name] = (totals[name] ?? 0) + count
  }
  return totals
}
