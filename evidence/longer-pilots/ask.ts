/** `node evidence/longer-pilots/ask.ts`: why does a pilot choose a worse stack on the bounded head 1.2, and does a longer one or another kind of question help? */
import { autoStream, catalogue, exactAttention, normalise, plan, type Matrix } from '@sublinear/attention'
import { rowsOf } from '@sublinear/core'
import type { Stack } from '@sublinear/kv-cache'
import { main, type Experiment } from '../kit/experiment.ts'
import { capturedHeads } from '../kit/text-captures.ts'
import { relativeError } from '../kit/trivial-answers.ts'
import { named } from '../kinds/ask.ts'

const [PREFIX, TOKENS, BLOCK, PLACE] = [3584, 4096, 64, 6]
const SHARES = [16, 32]
const PILOTS = [
  { task: 'both', rows: 1024 },
  { task: 'rows', rows: 1024 },
  { task: 'both', rows: 2048 },
] as const

interface Row {
  readonly task: string
  readonly pilot: number
  readonly share: number
  readonly stack: string
  readonly later: number
  readonly causal: number
}
interface Pilots {
  readonly head: string
  readonly rows: readonly Row[]
}

async function measured(): Promise<Pilots> {
  const head = capturedHeads({ model: 'bounded', text: 'persuasion', tokens: TOKENS })[PLACE]
  const [d, dv] = [head.keys.cols, head.values.cols]
  const shape = { d, dv, scale: 1 / Math.sqrt(d) }
  const cut = (from: number, to: number) => ({ keys: rowsOf(head.keys, from, to), values: rowsOf(head.values, from, to) }) // prettier-ignore
  const questions = rowsOf(head.queries, PREFIX, TOKENS)
  const later = exactAttention({ queries: questions, ...cut(0, PREFIX), scale: shape.scale })
  const all = exactAttention({ queries: head.queries, ...cut(0, TOKENS), scale: shape.scale, causal: true })
  const methods = catalogue.filter(({ name }) => name === 'auto')
  const rows: Row[] = []
  for (const share of SHARES)
    for (const { task, rows: pilot } of PILOTS) {
      const budgetBytes = Math.floor((4 * (d + dv) * PREFIX) / share)
      const asked = { queries: rowsOf(head.queries, 0, pilot), ...cut(0, pilot) }
      const { options } = await plan({ ...shape, methods, pilot: asked, budgetBytes, tokens: TOKENS, task, slow: true })
      const { stack } = options as { readonly stack: Stack }
      using stream = autoStream({ ...shape, budgetBytes, tokens: TOKENS, stack })
      for (let from = 0; from < PREFIX; from += BLOCK)
        stream.step(cut(from, from + BLOCK), rowsOf(head.queries, from, from + BLOCK))
      const found = relativeError(normalise(stream.attend(questions)), later)
      const answers: Matrix[] = []
      for (let from = PREFIX; from < TOKENS; from += BLOCK)
        answers.push(normalise(stream.step(cut(from, from + BLOCK), rowsOf(head.queries, from, from + BLOCK))))
      const joined = { rows: TOKENS - PREFIX, cols: dv, data: Float32Array.from(answers.flatMap(({ data }) => [...data])) } // prettier-ignore
      const causal = relativeError(joined, rowsOf(all, PREFIX, TOKENS))
      rows.push({ task, pilot, share, stack: named(stack), later: found, causal })
      console.error(share, task, pilot, found.toFixed(4))
    }
  return { head: head.name, rows }
}

export const longerPilots: Experiment<Pilots> = {
  name: 'longer-pilots',
  question: 'Why does a pilot choose a worse stack on one bounded head?',
  inALine: ({ rows, head }) => {
    const at = (task: string, pilot: number) => rows.find((row) => row.share === 32 && row.task === task && row.pilot === pilot)!.later.toFixed(3) // prettier-ignore
    return `head ${head} at 1/32: error ${at('both', 1024)} by a pilot of 1024 tokens, ${at('rows', 1024)} where it asks later questions alone, ${at('both', 2048)} by 2048 tokens`
  },
  asks: `Why does a pilot choose a worse stack on one bounded head? \`plan\` chooses among all stacks, slow ones too, by the first tokens of *Persuasion*; then ${PREFIX} tokens are read, and the next ${TOKENS - PREFIX} queries ask. The task says what the pilot asks: *rows*, later questions alone; *both*, tokens as they come too.`,
  run: measured,
  answer: ({ rows, head }) =>
    [
      '| share | task | pilot | stack | later questions | as tokens come |',
      '| --- | --- | --- | --- | --- | --- |',
      ...rows.map((row) => `| 1/${row.share} | ${row.task} | ${row.pilot} | ${row.stack} | ${row.later.toPrecision(3).replace(/^0/, '')} | ${row.causal.toPrecision(3).replace(/^0/, '')} |`), // prettier-ignore
      '',
      `The head is ${head} of the bounded model.`,
    ].join('\n'),
}

await main(import.meta.url, longerPilots)
