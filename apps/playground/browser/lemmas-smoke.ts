import { count, settingsOf, statements, verdict, type Settings, type Statement } from '@sublinear/lemmas'
import { trials } from '@sublinear/lemmas/trials'
import type { Page } from 'playwright-core'

/** Pages of papers, and what is tried on them: a statement, the control that is moved to its start or its end by a key, and its value there. */
const PAGES: readonly (readonly [page: string, of: readonly (readonly [string, string, 'Home' | 'End', number])[]])[] =
  [
    [
      'docs/papers/one-pass.html',
      [
        ['feature-degree', 'less', 'End', 3],
        ['feature-answers', 'claim', 'Home', 0.05],
        ['gaussian-products', 'rows', 'Home', 0.01],
        ['ams-products', 'rows', 'Home', 0.01],
        ['recovery', 'claim', 'Home', 0],
      ],
    ],
    ['docs/papers/balance-kv.html', [['halving', 'claim', 'Home', 0.005]]],
  ]

/**
 * Tries every statement on its page in Chromium: counts at its usual settings, moves a slider by the keyboard, and counts again. Both counts must be those of Node, seed
 * by seed; the first within what the statement allows, the second beyond it.
 */
export async function tryLemmas(
  page: Page,
  url: string,
  check: (name: string, holds: boolean, said: string) => void,
): Promise<void> {
  const tried: string[] = []
  for (const [path, all] of PAGES) {
    await page.goto(`${url}${path}`)
    for (const [name, control, key, value] of all) {
      tried.push(name)
      const statement = statements.find((one) => one.name === name)!
      const place = page.getByRole('region', { name: `${statement.title}, counted live`, exact: true })
      const said = place.locator('.count[aria-busy="false"]')
      await place.scrollIntoViewIfNeeded()
      const usual = inNode(statement, settingsOf(statement))
      await said.waitFor({ timeout: 120_000 })
      const before = (await said.textContent()) ?? ''
      check(`${name} on its page, as in Node`, before === usual.said && !usual.isBroken, before)
      const label = statement.controls.find((one) => one.name === control)!.label
      await place.getByRole('slider', { name: label }).focus()
      await page.keyboard.press(key)
      await said.filter({ hasNotText: before }).waitFor({ timeout: 120_000 })
      const moved = inNode(statement, settingsOf(statement, { [control]: value }))
      const after = (await said.textContent()) ?? ''
      check(`${name} with ${control} moved by ${key}`, after === moved.said && moved.isBroken, after)
    }
  }
  const missing = statements.filter(({ name }) => !tried.includes(name)).map(({ name }) => name)
  check('every statement is on a page', missing.length === 0, missing.join(' ') || tried.join(' '))
}

/** Counts here what the page counts, and says it in its words. */
function inNode(statement: Statement, settings: Settings): { readonly said: string; readonly isBroken: boolean } {
  const found = count(trials[statement.name](settings), 1, statement.trials)
  return {
    said: `${found.facts}: ${verdict(statement, found)}`,
    isBroken: found.failures > statement.allowed * found.trials,
  }
}
