/** Rows of a stream that is a function of their index alone, as blocks of keys and values, or of rows. */
export function rows(first: number, count: number, options: object): Generator<object, void, undefined>
