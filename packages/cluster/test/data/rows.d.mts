export function rows(first: number, count: number, options: object): Generator<object, void, undefined>
