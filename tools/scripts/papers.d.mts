export type Row = Readonly<Record<'statement' | 'verdict' | 'code' | 'test' | 'evidence', string>> & {
  readonly cells: number
}
export function rowsOf(text: string): Row[]
export function linked(cell: string): string[]
export function faults(text: string, root: string): string[]
/** Faults of the three clicks from a row's name to its code, test and constant. */
export function clicks(row: Row, root: string): string[]
