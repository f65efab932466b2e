/**
 * `node evidence/figure-1/ask.ts`: the three computations of the paper's Figure 1 as a diagram, with the peak memory of each at
 * several n, every one measured in its own process. A minute and a half.
 */
import { fileURLToPath } from 'node:url'
import { peakMemory } from '../../tools/bench/src/child.ts'
import { main, type Experiment } from '../kit/experiment.ts'
import { firstSentence } from '../kit/markdown.ts'
import { diagram, megabytes } from './diagram.ts'
import type { Figure1, Way } from './peaks.ts'

const LENGTHS = [10, 12, 14, 16, 18].map((power) => 2 ** power)
/** Too small to see: what the process itself takes. */
const NOTHING = 16
/** Largest n tried: 2²⁸ floats are 1 GB, and exact answers to all of 2¹⁸ queries would take minutes. */
const MOST: Readonly<Record<Way, number>> = { plain: 2 ** 14, features: 2 ** 18, streams: 2 ** 18, blocks: 2 ** 16 }

const NAMES: Readonly<Record<Way, string>> = {
  plain: 'n × n attention',
  features: 'U₁(U₂ᵀV)',
  streams: 'sketches',
  blocks: 'exact attention in blocks',
}

export const figure1: Experiment<Figure1> = {
  name: 'figure-1',
  question: 'What memory do the three computations of the one-pass paper take?',
  inALine: (result) => firstSentence(figure1.answer(result)),
  asks:
    'Figure 1 of the paper compares three computations: n × n attention, the product U₁(U₂ᵀV), and the streaming sketches. How much memory do they take at ' +
    'd = dv = 4, degree 4 (t = 70), m₂ = 1024 and k = 16? We add one that the figure leaves out: exact attention that never forms the n × n matrix.',
  run: () => ({
    node: process.version,
    lengths: LENGTHS,
    peaks: {
      plain: peaksOf('plain'),
      features: peaksOf('features'),
      streams: peaksOf('streams'),
      blocks: peaksOf('blocks'),
    },
  }),
  answer({ lengths, peaks, node }) {
    const at = (way: Way, n: number) => shown(peaks[way][lengths.indexOf(n)]!)
    const [middle, long] = [2 ** 14, 2 ** 18]
    return [
      `At n = 2¹⁴: ${at('plain', middle)} for the n × n matrix, ${at('features', middle)} for U₁ and U₂, ${at('streams', middle)} for the sketches, and ` +
        `${at('blocks', middle)} for exact attention in blocks. At n = 2¹⁸ the features take ${at('features', long)}, the sketches ${at('streams', long)}.`,
      '',
      `| peak memory | ${lengths.map((n) => `n = 2^${Math.log2(n)}`).join(' | ')} |`,
      `| --- | ${lengths.map(() => '---').join(' | ')} |`,
      ...(Object.keys(NAMES) as Way[]).map((way) => `| ${NAMES[way]} | ${peaks[way].map(shown).join(' | ')} |`),
      '',
      `A number is the peak memory of a process minus that of the same process with ${NOTHING} tokens, the median of three, Node ${node}; a megabyte or two is noise.`,
    ].join('\n')
  },
  picture: diagram,
}

function peaksOf(way: Way): (number | null)[] {
  const nothing = peakOf(way, NOTHING)
  return LENGTHS.map((n) => (n > MOST[way] ? null : Math.max(0, peakOf(way, n) - nothing)))
}

export function peakOf(way: Way, n: number): number {
  const child = fileURLToPath(new URL('./child.mjs', import.meta.url))
  return [1, 2, 3].map(() => peakMemory(child, way, n)).toSorted((a, b) => a - b)[1]
}

const shown = (peak: number | null) => (peak === null ? '–' : megabytes(peak))

await main(import.meta.url, figure1)
