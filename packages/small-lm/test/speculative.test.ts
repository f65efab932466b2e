// Speculative decoding against greedy decoding, token for token, with drafters from hopeless to perfect, on both models. Kills: a token of a rejected draft
// kept in a stream, an accepted one that is read twice, the token after a rejection taken from the draft, the token before lost by the reader.
import { closureStream, endless, exactStream, policies } from '@sublinear/attention'
import { describe, expect, it } from 'vitest'
import { generate, reader, speculative, unrotated } from '../src'
import { heldOut, model as modelNamed } from './model-files'

const drafts = {
  'a window of 2': policies.window({ count: 2 }),
  'a closure': closureStream,
  endless: unrotated(endless({ window: 64, far: 32 })),
  'the model itself': exactStream,
}

describe.each(['sharp', 'bounded'] as const)('%s', (name) => {
  const model = modelNamed(name)
  const ids = [model.tokenizer.bos, ...model.tokenizer.encode(heldOut('romans').slice(2000, 3200))]
  const wanted = generate({ model, stream: exactStream, ids, count: 40 })
  it.each(Object.entries(drafts))('is greedy decoding, drafted by %s', (draftName, draft) => {
    for (const drafted of [1, 3, 5]) {
      const { ids: got, accepted, rounds } = speculative({ model, stream: exactStream, draft, drafted, ids, count: 40 })
      expect([...got]).toEqual([...wanted])
      if (draftName === 'the model itself') expect(accepted).toBeGreaterThan(0.9 * drafted * (rounds - 1))
    }
  })
  it('reads on after a trial as if it had not been', () => {
    using run = reader({ model, stream: exactStream })
    using plain = reader({ model, stream: exactStream })
    run.read(ids, 'none')
    run.tryOut([5, 6, 7, 8], 'last')
    run.accept(2)
    plain.read([...ids, 5, 6], 'none')
    expect(run.tokens).toBe(plain.tokens)
    const [got, expected] = [run, plain].map((one) => one.read([9], 'last').data)
    for (const [i, x] of expected.entries()) expect(Math.abs(got[i] - x)).toBeLessThan(1e-4)
  })
})
