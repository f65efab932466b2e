// The committed table of heads: one head again, and what the table must show. Kills: a table edited by hand, a stream that changed.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { headsOf, measureHead, type Heads } from '../every-head/ask.ts'

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../every-head/${name}.json`, import.meta.url), 'utf8')) as Heads
const [result, full] = [read('result'), read('full')]
const row = (method: string) => result.rows.find((one) => one.method === method)!

test('a head has the same errors again', () => {
  const at = result.heads.indexOf('bounded 0.1')
  const methods = ['Taylor, degree 1', 'anisotropic, t = 64', '64 far keys + closure']
  for (const { method, error } of measureHead(headsOf()[at], methods)) {
    expect(error).toBeCloseTo(row(method).errors[at], 4)
  }
})

test('on bounded heads anisotropic features beat Taylor of as many bytes on most, and far keys with a closure beat both', () => {
  const bounded = result.heads.flatMap((name, i) => (name.startsWith('bounded') ? [i] : []))
  const [anisotropic, taylor, far] = ['anisotropic, t = 480', 'Taylor, degree 2', '256 far keys + closure'].map(row)
  expect(anisotropic.bytes).toBeLessThanOrEqual(taylor.bytes)
  const wins = bounded.filter((i) => anisotropic.errors[i] < taylor.errors[i])
  expect(wins.length).toBeGreaterThan(bounded.length / 2)
  for (const i of bounded) expect(far.errors[i]).toBeLessThan(taylor.errors[i])
})

test('so it is on all bounded heads, whatever the layer', () => {
  const of = (method: string) => full.rows.find((one) => one.method === method)!.errors
  expect(full.heads).toHaveLength(32)
  const [far, taylor, closure] = ['256 far keys + closure', 'Taylor, degree 2', 'Gaussian closure'].map(of)
  for (const [i, name] of full.heads.entries()) {
    if (!name.startsWith('bounded')) continue
    expect(far[i], name).toBeLessThan(taylor[i])
    expect(far[i], name).toBeLessThan(closure[i])
  }
  // The sample is a part of the captures: its heads have the same errors in both (layer 1 of the sample is layer 2).
  for (const [i, name] of result.heads.entries()) {
    const same = full.heads.indexOf(name.replace(' 1.', ' 2.'))
    for (const { method, errors } of result.rows)
      expect(of(method)[same] / errors[i], `${method}, ${name}`).toBeCloseTo(1, 3)
  }
})
