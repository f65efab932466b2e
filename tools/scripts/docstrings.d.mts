export function dangling(text: string): { readonly line: number; readonly words: string }[]
