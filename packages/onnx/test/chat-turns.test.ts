// Truth: what the template writes for the whole talk, rendered at once by a template of ten lines here. Kills: a turn read twice, an answer read again, a question kept
// after its refusal, a talk that begins twice.
import { describe, expect, it } from 'vitest'
import { chatTurns } from '../src/index'

interface Message {
  readonly role: string
  readonly content: string
}
const template = {
  render({ messages, add_generation_prompt: isAsked, bos_token: begin }: Record<string, unknown>): string {
    const said = (messages as Message[]).map(({ role, content }) => `<${role}>${content.trim()}<end>`)
    return `${begin as string}${said.join('')}${isAsked ? '<assistant>' : ''}`
  },
}
const special = { bos_token: '<s>' }

describe('chatTurns', () => {
  it('adds what the template adds, so that nothing is read twice', () => {
    const talk = chatTurns({ template, special, system: 'be kind' })
    const read = [talk.ask('hello'), 'hi there']
    talk.answer(' hi there \n')
    read.push(talk.ask('bye'))
    talk.answer('')
    read.push(talk.ask('again'))
    const messages = [
      { role: 'system', content: 'be kind' },
      { role: 'user', content: 'hello' },
      { role: 'assistant', content: 'hi there' },
      { role: 'user', content: 'bye' },
    ]
    const whole = template.render({ messages, add_generation_prompt: true, ...special })
    expect(read.slice(0, 3).join('')).toBe(whole)
    expect(read[3]).toBe('<end><user>again<end><assistant>')
  })

  it('is lines without a template', () => {
    const talk = chatTurns({ special })
    expect(talk.ask('hello')).toBe('<s>hello\n')
    talk.answer('hi')
    expect(talk.ask('bye')).toBe('\nbye\n')
    expect(chatTurns({ begin: '' }).ask('x')).toBe('x\n')
  })

  it('refuses a template that changes what was said, and forgets the question', () => {
    const counted = {
      render: ({ messages }: Record<string, unknown>) => `${(messages as Message[]).length % 2} turns`,
    }
    const talk = chatTurns({ template: counted })
    expect(talk.ask('one')).toBe('1 turns')
    expect(() => talk.ask('two')).toThrow(RangeError)
    expect(() => talk.ask('two')).toThrow('chatTurns: the chat template changes what was said before')
  })
})
