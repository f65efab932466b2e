/** Links, anchors and lines of Markdown, by the rules of the hosts that show this repository. */

/** The text with code, in fences and in backticks, blanked out; lines stay where they are. */
export function withoutCode(text) {
  let fence = ''
  return text
    .split('\n')
    .map((line) => {
      const mark = /^\s*(`{3,}|~{3,})/u.exec(line)?.[1] ?? ''
      if (fence) {
        if (mark.startsWith(fence)) fence = ''
        return ''
      }
      fence = mark
      return mark ? '' : line.replaceAll(/(`+)(?!`).*?[^`]\1(?!`)/gu, (code) => ' '.repeat(code.length))
    })
    .join('\n')
}

/** Targets of links and pictures with the line each stands in, web addresses included. */
export function linksIn(text) {
  return withoutCode(text)
    .split('\n')
    .flatMap((line, i) =>
      Array.from(line.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/gu), ([, target]) => ({
        line: i + 1,
        target,
      })),
    )
}

/** Anchors of a page: its headings in lower case, without signs, spaces as hyphens; a repeated one is counted. */
export function anchorsIn(text) {
  const seen = new Map()
  let fenced = false
  const anchors = []
  for (const line of text.split('\n')) {
    if (/^\s*(?:```|~~~)/u.test(line)) fenced = !fenced
    const heading = fenced ? undefined : /^#{1,6}\s+(.*?)\s*#*$/u.exec(line)?.[1]
    if (heading === undefined) continue
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/gu, '$1')
    const slug = words
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
      .replaceAll(' ', '-')
    const times = seen.get(slug) ?? 0
    seen.set(slug, times + 1)
    anchors.push(times === 0 ? slug : `${slug}-${times}`)
  }
  return anchors
}

/** Lines of a page; a generated table counts like any other text. */
export const linesOf = (text) => text.trimEnd().split('\n').length
