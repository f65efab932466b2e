type Child = Node | string

/** An element with attributes, listeners (functions, by the name of their event) and children. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  given: Readonly<Record<string, string | number | ((event: Event) => void)>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  return filled(document.createElement(tag), given, children)
}

/** The same of SVG. */
export function drawing<K extends keyof SVGElementTagNameMap>(
  tag: K,
  given: Readonly<Record<string, string | number>> = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', tag), given, children)
}

function filled<E extends Element>(
  made: E,
  given: Readonly<Record<string, string | number | ((event: Event) => void)>>,
  children: readonly Child[],
): E {
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === 'function') made.addEventListener(name, value)
    else made.setAttribute(name, String(value))
  }
  made.append(...children)
  return made
}
