import { checkObject } from '@sublinear/core'
interface Turn {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

export interface ChatOptions {
  /** The model's chat template, as `new Template(text)` of `@huggingface/jinja` makes it. Absent: each turn is a line. */
  readonly template?: { render(context: Record<string, unknown>): string } | undefined
  /** Texts of the tokens that templates name: `bos_token`, `eos_token` … */
  readonly special?: Readonly<Record<string, string>> | undefined
  /** Text that begins a talk where there is no template. Default: `special.bos_token`, or nothing. */
  readonly begin?: string | undefined
  /** System message: text that the model is given before the talk. */
  readonly system?: string | undefined
}

/** A talk with a model. */
export interface ChatTurns {
  /** Adds a question; returns the text that the model must read next. */
  ask(content: string): string
  /** Adds the model's answer. */
  answer(content: string): void
}

/**
 * Keeps a talk as the model's template writes it: each turn is the text that the template adds to the text before, so that nothing is read twice.
 *
 * Guarantee: the texts of `ask`, joined with the model's answers between them, are the text that the template writes for the whole talk.
 *
 * @throws RangeError from `ask` when the template changes the text of earlier turns
 * @example JSON.stringify(chatTurns({ begin: '<s>' }).ask('Hello')) // "<s>Hello\n"
 */
export function chatTurns(options: ChatOptions = {}): ChatTurns {
  checkObject('chatTurns', options)
  const { template, special = {}, system } = options
  const { begin = special['bos_token'] ?? '' } = options
  const said: Turn[] = system === undefined ? [] : [{ role: 'system', content: system }]
  let before = ''
  const written = (isAnswered: boolean): string =>
    template
      ? template.render({ messages: said, add_generation_prompt: !isAnswered, ...special })
      : begin + said.map(({ content }) => `${content}\n`).join('')
  return {
    ask(content) {
      said.push({ role: 'user', content })
      const all = written(false)
      if (!all.startsWith(before)) {
        said.pop()
        throw new RangeError('chatTurns: the chat template changes what was said before')
      }
      const more = all.slice(before.length)
      before = all
      return more
    },
    answer(content) {
      said.push({ role: 'assistant', content })
      const own = content.trim() // as many templates have it
      if (own === '') return
      const all = written(true)
      before = all.slice(0, all.lastIndexOf(own) + own.length)
    },
  }
}
