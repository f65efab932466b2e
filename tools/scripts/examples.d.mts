export interface Example {
  readonly name: string
  /** Line of the page where the block's code starts, from 1. */
  readonly first: number
  readonly code: string
  readonly expected: readonly { readonly line: number; readonly index: number; readonly text: string }[]
}
export function examples(root: string): Example[]
/** The `@example`s of docstrings, with the number of their lines. */
export function docstringExamples(root: string): (Example & { readonly lines: number })[]
export function squeeze(text: string): string
export interface Block {
  readonly language: string
  /** Line of the page where the block's code starts, from 1. */
  readonly first: number
  readonly lines: readonly string[]
}
/** The fenced blocks of a page, in every language. */
export function fencedBlocks(page: string): Block[]
