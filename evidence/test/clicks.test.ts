// From the index of evidence every first question is at most two clicks from its numbers, from the script or test that measures them, and from its data. Kills: a page that no
// longer links its script or its data, an answer behind a third page, a walk that counts links of code, or one too few, or follows a link beyond the page that has it.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { anchorsIn } from '../../tools/scripts/markdown.mjs'
import { ANSWERS, clicksFrom, kitText, withClicks } from '../kit/clicks.ts'
import { FIRST } from '../kit/index-page.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('numbers, measurement and data of the ten are at most two clicks from the index: `node evidence/kit/draw-all.ts`', () => {
  const clicks = clicksFrom('evidence/README.md')
  expect(ANSWERS.length).toBe(FIRST.length)
  const far = ANSWERS.flat().filter((place) => (clicks.get(place) ?? Infinity) > 2)
  expect(far).toEqual([])
  expect(withClicks(kitText())).toBe(kitText())
})

test('the places are there, with their headings', () => {
  for (const place of ANSWERS.flat()) {
    const [path, anchor] = place.split('#') as [string, string | undefined]
    expect([place, existsSync(root + path)]).toEqual([place, true])
    if (anchor) expect(anchorsIn(readFileSync(root + path, 'utf8'))).toContain(anchor)
  }
})

test('clicks are counted along the links of pages, the shortest way', () => {
  const pages: Readonly<Record<string, string>> = {
    'a/README.md': '[b](b.md) `[none](none.md)` [web](https://x.org/y.md) [up](../top.md#part)',
    'a/b.md': '[c](c.ts) [a](README.md) [d](../d)',
    'top.md': '[c](a/c.ts) [deep](e/deep.md)',
    d: '[in the folder](f.json)',
    'e/deep.md': '[far](far.md)',
    'e/far.md': '[beyond](beyond.md)',
  }
  expect(Object.fromEntries(clicksFrom('a/README.md', 3, (path) => pages[path]))).toEqual({
    'a/README.md': 0,
    'a/b.md': 1,
    'top.md': 1,
    'top.md#part': 1,
    'a/c.ts': 2,
    d: 2,
    'e/deep.md': 2,
    'd/f.json': 3,
    'e/far.md': 3,
  })
})
