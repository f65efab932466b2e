import { defined } from '@sublinear/core'
import { answerLaws } from './answer-laws'
import { checkLaws } from './check-laws'
import { cutLaws } from './cut-laws'
import type { Law } from './law'
import { lifeLaws } from './life-laws'
import { mergeLaws } from './merge-laws'
import { ownershipLaws } from './ownership-laws'
import { refusalLaws } from './refusal-laws'
import { snapshotLaws } from './snapshot-laws'
import type { AttentionStreamLaws, StreamCase } from './stream-case'

/**
 * The laws of the AttentionStream contract, for any implementation:
 * `for (const law of attentionStreamLaws({ name, make, restore })) test(law.name, law.run)`.
 *
 * Cost: some 10⁵ tokens pushed in all.
 *
 * @returns laws that throw where they are broken; inputs are random with a fixed seed
 */
export function attentionStreamLaws(options: AttentionStreamLaws): Law[] {
  const tolerance = options.tolerance ?? 1e-5
  const stream: StreamCase = { differs: {}, error: tolerance, scores: 1, cuts: 'bits', ...defined(options), tolerance }
  const laws = [cutLaws, ownershipLaws, answerLaws, snapshotLaws, mergeLaws, refusalLaws, checkLaws, lifeLaws].flatMap(
    (laws) => laws(stream),
  )
  return laws.map((law) => ({ ...law, name: `${stream.name}: ${law.name}` }))
}
