// The rule that optional properties take undefined. Kills: a union that has undefined in a corner and is reported, a type that lacks it and is not, nested literals that
// are not looked into, types of parameters (which take undefined by themselves) reported.
import { expect, test } from 'vitest'
import { refusing } from '../optional.mjs'

test.each([
  ['interface A { readonly a?: number }', ['a']],
  ['interface A { a?: number | undefined; b?: undefined | string; c?: unknown; d: number }', []],
  ['type A = { a?: { b?: 1 } | undefined }', ['b']],
  ['type A = B & { readonly a?: () => undefined }', ['a']],
  ['function f(a?: number, { b }: { b?: number } = {}): void {}', ['b']],
  ['class A { a?: number; b(c?: number) {} }', ['a']],
])('%s', (text, names) => {
  expect(refusing(text).map(({ name }) => name)).toEqual(names)
})
