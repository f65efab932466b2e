/** A Markdown table. */
export const markdownTable = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

/** The first sentence of an answer, without its full stop. */
export const firstSentence = (text: string, before = ''): string =>
  before + text.split('\n')[0].split(/\.(?: (?=[A-Z])|$)/)[0]
