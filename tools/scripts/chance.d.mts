export function commentsOf(text: string): string
export function missesIn(comments: string): string[]
export function testsOfChance(root: string): { readonly path: string; readonly comments: string }[]
