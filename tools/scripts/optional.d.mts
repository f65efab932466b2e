/** An optional property whose type lacks undefined. */
export interface Refusing {
  readonly line: number
  readonly name: string
  readonly from: number
  readonly to: number
}
export function refusing(text: string): Refusing[]
