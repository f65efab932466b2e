/**
 * A look at both built sites in a real Chromium: `node browser/smoke.ts`, after `npm run site`, with $CHROMIUM_PATH or `chromium` on the path. No number is measured. A line a
 * check; exits 1 where one fails, 2 without a browser.
 */
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { findChromium } from '../../../tools/scripts/chromium.mjs'
import { violationsOf } from './axe.ts'
import { tryLemmas } from './lemmas-smoke.ts'
import { serve } from './serve.ts'

const { program, why } = findChromium()
if (!program) {
  console.error(`smoke: ${why}`)
  process.exit(2)
}
let failed = 0
function check(name: string, holds: boolean, said: string | number): void {
  if (!holds) failed++
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${name}: ${said}`)
}
const browser = await chromium.launch({
  executablePath: program,
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
})
const site = await serve(fileURLToPath(new URL('../../../site', import.meta.url)))
const problems: string[] = []
const asked: string[] = []
try {
  const page = await browser.newPage()
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text())
  })
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url())
    if (protocol.startsWith('http') && host !== new URL(site.url).host) asked.push(request.url())
  })
  await page.goto(`${site.url}docs/which-method.html`)
  const first = page.locator('.which-method tbody th').first()
  const rows = page.locator('.which-method tbody tr')
  await rows.first().waitFor()
  const [all, best] = [await rows.count(), await first.textContent()]
  await page.locator('.which-method select').nth(1).selectOption('1/32')
  const fewer = await rows.count()
  await page.locator('.which-method input[type=checkbox]').check()
  const blind = await rows.count()
  check(
    'which method? is a table to choose by',
    all > fewer && fewer > blind && blind > 0,
    `${all}, ${fewer}, ${blind} rows, first ${best}`,
  )
  await page.locator('button.DocSearch-Button').click()
  await page.locator('#localsearch-input').fill('far keys')
  const found = page.locator('.VPLocalSearchBox .result')
  await found.first().waitFor()
  check('search finds, without a server', (await found.count()) > 3, await found.count())
  await tryLemmas(page, site.url, check)
  for (const path of ['', 'docs/which-method.html', 'docs/papers/one-pass.html', 'docs/papers/balance-kv.html'])
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await page.goto(`${site.url}${path}`)
      await page.locator('main h1').first().waitFor()
      const violations = await violationsOf(page)
      check(`axe, /${path}, ${colorScheme}`, violations.length === 0, violations.join(' | ') || '0 violations')
    }
  await page.goto(`${site.url}playground/#view=losses`)
  await page.getByRole('heading', { name: 'Where methods fail' }).waitFor()
  await page.goto(`${site.url}playground/#view=sketches&epsilon=0.3`)
  await page.locator('tbody td').first().waitFor()
  check('the playground computes', true, (await page.locator('tbody th').first().textContent()) ?? '')
  check('no errors in the console', problems.length === 0, problems.join(' | ') || 'none')
  check('nothing is asked of another host', asked.length === 0, asked.join(' ') || 'nothing')
} finally {
  await browser.close()
  site.close()
}
process.exit(failed > 0 ? 1 : 0)
