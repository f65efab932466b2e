export type Row = Readonly<Record<'statement' | 'verdict' | 'code' | 'test' | 'evidence', string>> & {
  readonly cells: number
}
export function rowsOf(text: string): Row[]
export function linked(cell: string): string[]
export function faults(text: string, root: string): string[]
