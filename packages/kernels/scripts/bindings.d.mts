export interface Signature {
  readonly name: string
  /** The comment above it. */
  readonly doc: string
  readonly parameters: readonly { readonly name: string; readonly type: string }[]
  readonly result: string
}
export function signatures(folder: string, part: string): Signature[]
export function bindings(folder: string, part: string): string
