import { checkObject } from '@sublinear/core'
const NAMES = ['bos_token', 'eos_token', 'pad_token', 'unk_token']

/**
 * Reads the texts of the tokens that chat templates name from a tokenizer_config.json, where each is a text or a record with `content`.
 *
 * @example JSON.stringify(specialTokens({ bos_token: '<s>', eos_token: { content: '</s>' }, pad_token: null })) // {"bos_token":"<s>","eos_token":"</s>"}
 */
export function specialTokens(config: Readonly<Record<string, unknown>>): Record<string, string> {
  checkObject('specialTokens', config, 'config')
  return Object.fromEntries(
    NAMES.flatMap((name) => {
      const token = config[name] as string | { readonly content?: string | undefined } | undefined | null
      const text = typeof token === 'string' ? token : token?.content
      return text === undefined ? [] : [[name, text]]
    }),
  )
}
