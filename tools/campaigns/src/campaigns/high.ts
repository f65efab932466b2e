import { spawnSync } from 'node:child_process'
import { freemem } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Campaign } from '../campaign.ts'

const child = fileURLToPath(new URL('../high-child.ts', import.meta.url))
/** Free bytes of the machine below which nothing is tried: addresses are reserved and not written to, yet they may count. */
const ROOM = 8 * 2 ** 30
const PLACES = [2 ** 31 - 2 ** 20, 2 ** 31 - 2 ** 16, 2 ** 31 - 2 ** 12, 2 ** 31, 2 ** 31 + 2 ** 28, 3 * 2 ** 30]

/** The campaign on streams whose kernel memory lies across and above 2 GiB; only the long run has it. */
export const high: Campaign = {
  name: 'above 2 GiB',
  about:
    'every stream whose memory begins below, across or above 2 GiB has the same bytes and answers as at the bottom',
  sample: 0,
  round: PLACES.length,
  patience: 400,
  units: () => ['all streams'],
  begin() {
    const low = digests(0)
    return (_random, index) => {
      if (freemem() < ROOM) return { outcome: 'not tried: too little memory here' }
      const place = PLACES[index % PLACES.length]
      const found = digests(place)
      const other = Object.keys(low).filter((name) => low[name] !== found[name])
      return other.length > 0
        ? { outcome: 'faulty', finding: 'other bits', detail: `from ${place}: ${other.join()}` }
        : { outcome: 'the same bits' }
    }
  },
}

function digests(place: number): Record<string, string> {
  const { stdout, stderr, status } = spawnSync(process.execPath, [child, String(place)], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr.slice(0, 400))
  return JSON.parse(stdout) as Record<string, string>
}
