export function withoutCode(text: string): string
export function linksIn(text: string): { readonly line: number; readonly target: string }[]
export function anchorsIn(text: string): string[]
export function linesOf(text: string): number
