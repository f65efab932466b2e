export interface Mutant {
  readonly id: string
  readonly file: string
  readonly from: string
  readonly to: string
  readonly tests: readonly string[]
  readonly kind: 'behaviour' | 'formula' | 'none'
  readonly why?: string
}
export const MUTANTS: readonly Mutant[]
