import { readFileSync, writeFileSync } from 'node:fs'
import { groups, questions, type Question } from './all-questions.ts'
import { dates, resultOf } from './experiment.ts'
import { markdownTable } from './markdown.ts'

const page = new URL('../README.md', import.meta.url)

export const indexText = (): string => readFileSync(page, 'utf8')

/** Ten questions that a stranger asks first; each is answered by a question below, or by a page where no question answers it. */
export const FIRST: readonly (readonly [
  question: string,
  ...answers: (string | readonly [text: string, page: string])[],
])[] = [
  ['Will it make my model worse, and by how much?', 'whole-models'],
  ['Which method is best in the bytes that I have?', 'board'],
  [
    'Is it better than the cache policies that I know (StreamingLLM, H2O, SnapKV)?',
    ['in whole models, place by place', '../docs/evidence.md#autostream-against-the-best-single-policy'],
    'policies',
  ],
  ['What kind of heads do I have, and what suits them?', 'regimes'],
  ['Can I have a method picked for me, and is the pick good?', 'advice'],
  ['Can a model read on without end?', 'reading-without-end'],
  ['Does the memory really stay the same as the text grows, and the error with it?', 'fixed-memory-curve'],
  ['Can I see how far an answer is off?', 'error-bars'],
  ['Do the papers work as they are written?', ['statement by statement', '../PAPERS.md'], 'end-to-end'],
  ['How fast is it?', ['compared with its peers, with the losses', '../docs/measured/speed.md']],
]

const lineOf = (one: Question) => one.inALine(resultOf(one)) as string

/** The list of the ten, each linked to its answer. */
export const firstQuestions = (): string =>
  FIRST.map(([question, ...answers], i) => {
    const said = answers.map((answer) => {
      if (typeof answer !== 'string') return `[${answer[0]}](${answer[1]})`
      const found = questions.find(({ name }) => name === answer)!
      return `[${answer}](${answer}/README.md): ${lineOf(found)}`
    })
    return `${i + 1}. **${question}** ${said.join('; ')}.`
  }).join('\n')

/** All questions in their groups: question, answer, date, command. */
export function allQuestions(): string {
  const days = dates()
  return Object.entries(groups)
    .map(
      ([group, own]) =>
        `### ${group}\n\n${markdownTable(
          ['question', 'answer', 'measured', 'command'],
          own.map((one) => [
            `[${one.question}](${one.name}/README.md)`,
            lineOf(one).replaceAll('|', '\\|'),
            days[one.name],
            `\`node evidence/${one.name}/ask.ts\``,
          ]),
        )}`,
    )
    .join('\n\n')
}

/** The index with both lists brought up to date. */
export const withIndex = (text: string): string => withSections(text, { first: firstQuestions, all: allQuestions })

/** A text with what stands between `<!-- index:name -->` and `<!-- /index -->` made anew. */
export const withSections = (text: string, sections: Readonly<Record<string, () => string>>): string =>
  Object.entries(sections).reduce((whole, [name, make]) => {
    const section = new RegExp(`(<!-- index:${name} -->\\n).*?(<!-- /index -->)`, 's')
    if (!section.test(whole)) throw new RangeError(`evidence: the page must have a section <!-- index:${name} -->`)
    return whole.replace(section, (_, open: string, close: string) => `${open}\n${make()}\n\n${close}`)
  }, text)

export function updateIndex(): void {
  writeFileSync(page, withIndex(indexText()))
}
