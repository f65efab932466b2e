// Texts of special tokens in the two forms that tokenizer_config.json has. Kills: a record taken for a text, null taken for one, a name that templates do not know.
import { expect, it } from 'vitest'
import { specialTokens } from '../src/index'

it('are found as text and as records, and nothing else', () => {
  const config = { bos_token: '<s>', eos_token: { content: '</s>', lstrip: false }, pad_token: null, mask_token: '<m>' }
  expect(specialTokens(config)).toEqual({ bos_token: '<s>', eos_token: '</s>' })
  expect(specialTokens({})).toEqual({})
})
