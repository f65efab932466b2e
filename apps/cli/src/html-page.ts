/** Writes a whole HTML page, which loads nothing and runs nothing. `body` is HTML; every word from outside in it must be escaped by `safe`. */
export function htmlPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>${safe(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${safe(title)}</h1>
${body}
</main>
</body>
</html>
`
}

export function htmlTable(head: readonly string[], rows: readonly string[]): string {
  const cells = head.map((cell) => `<th scope="col">${safe(cell)}</th>`).join('')
  return `<div class="wide"><table><thead><tr>${cells}</tr></thead><tbody>\n${rows.join('\n')}\n</tbody></table></div>`
}

/** Writes a table of words, headings first; the first cell of a row is its name. */
export function htmlTextTable([head, ...rows]: readonly (readonly string[])[]): string {
  return htmlTable(
    head,
    rows.map(
      ([name, ...cells]) =>
        `<tr><th scope="row">${safe(name)}</th>${cells.map((cell) => `<td>${safe(cell)}</td>`).join('')}</tr>`,
    ),
  )
}

export function safe(words: string): string {
  const names: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return words.replace(/[&<>"']/g, (character) => names[character])
}

const STYLE = `
:root { color-scheme: light dark; --page: #fff; --ink: #1b1b1b; --soft: #666; --line: #ddd; --good: #3a9d5d; }
@media (prefers-color-scheme: dark) { :root { --page: #16181b; --ink: #e6e6e6; --soft: #a0a0a0; --line: #3a3d42; } }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.best, .faults { padding-left: 1.2rem; } .faults { color: #d1495b; }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; font-size: .9rem; }
.legend svg { display: inline; vertical-align: middle; width: 32px; height: 12px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1.5rem; }
figure { margin: 0; max-width: 36rem; } figure svg { width: 100%; height: auto; overflow: visible; }
figcaption { color: var(--soft); font-size: .85rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; font-weight: normal; }
th:first-child { text-align: left; position: sticky; left: 0; background: var(--page); }
thead th { color: var(--soft); } strong { font-weight: 700; }
summary { cursor: pointer; padding: .3rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; } dt { font-weight: 700; } dd { margin: 0; } .names { font-size: .9rem; }
@media print {
  main { max-width: none; } .charts { grid-template-columns: 1fr 1fr; } figure, tr, pre { break-inside: avoid; } figcaption { break-before: avoid; }
  .wide { overflow: visible; } table { font-size: .7rem; } th, td { padding: .15rem .3rem; white-space: normal; } th:first-child { position: static; }
  .data { display: none; } details { display: block; } details::details-content { display: block; content-visibility: visible; height: auto; }
}
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); padding: .7rem; font-size: .85rem; }
`
