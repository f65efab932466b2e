/**
 * The built playground in a real Chromium: `node browser/try.ts [folder for screenshots]`, with `chromium` on the path or $CHROMIUM_PATH.
 * Checks the first paint, what is sent before the model, the reading, a planted word, a board, sketches, keyboard, errors of files, accessibility by axe, both
 * policies for scripts, and that every wait shows progress. A line a check; exits 1 where one fails, 2 without a browser.
 */
import { openRows } from '@sublinear/io/node'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, type Page } from 'playwright-core'
import { findChromium } from '../../../tools/scripts/chromium.mjs'
import { violationsOf } from './axe.ts'
import { hostile, npyFile } from './dropped.ts'
import { ownTime } from './own-time.ts'
import { serve } from './serve.ts'
import { shoot } from './shots.ts'
import { tryWaits } from './waits.ts'

const dist = fileURLToPath(new URL('../dist', import.meta.url))
const shots = process.argv[2]
const { program, why } = findChromium()
if (!program) {
  console.error(`try: ${why}`)
  process.exit(2)
}
const STRICT = "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'"
let failed = 0

function check(name: string, holds: boolean, said: string | number): void {
  if (!holds) failed++
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${name}: ${said}`)
}

const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-gpu'] })
const open = async (url: string, options: object = {}): Promise<{ page: Page; problems: string[] }> => {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text())
  })
  await page.goto(url)
  return { page, problems }
}
const readToEnd = (page: Page) => page.getByText('Read to the end.').waitFor({ timeout: 180_000 })

const site = await serve(dist)
const folder = mkdtempSync(join(tmpdir(), 'hostile-'))
try {
  {
    const { page, problems } = await open(site.url)
    await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0)
    const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0)
    check('first paint, ms', paint < 1000, Math.round(paint))
    await page
      .locator('main')
      .getByRole('button', { name: /falcon/ })
      .waitFor()
    await readToEnd(page)
    await page.getByRole('button', { name: /falcon/ }).click()
    const exact = page
      .getByRole('row', { name: /^exact/ })
      .locator('td')
      .last()
    await exact.getByText('4729').waitFor()
    check(
      'the exact cache remembers',
      (await exact.textContent())?.includes('right') ?? false,
      (await exact.textContent()) ?? '',
    )
    await page.locator('.pages span').nth(200).click()
    await readToEnd(page)
    check(
      'a click plants a word',
      (await page.locator('.pages b').count()) === 2,
      (await page.locator('.pages b').last().textContent()) ?? '',
    )
    check('the address has it', page.url().includes('needles='), new URL(page.url()).hash)
    check('no errors in the console', problems.length === 0, problems.join(' | ') || 'none')
    await page.context().close()
  }
  {
    const { page } = await open('about:blank')
    const { longest, slowed } = await ownTime(browser, page, async () => {
      await page.goto(site.url)
      await readToEnd(page)
    })
    check('longest task of the main thread, ms of its own time', longest <= 100, Math.round(longest))
    const rates = await page.locator('tbody tr td:nth-child(3)').allTextContents()
    const slowest = Math.min(...rates.map((text) => Number(text.replaceAll(',', ''))).filter((rate) => rate > 0))
    check(
      'slowest method, tokens a second of the worker',
      slowest * slowed >= 500,
      `${Math.round(slowest * slowed)}; by the clock ${slowest}, on a machine that let it wait ${slowed.toFixed(1)} times as long`,
    )
    await page.context().close()
  }
  {
    // By keyboard alone: the slider, the form that plants, the question.
    const { page } = await open(site.url)
    await page.getByRole('slider').focus()
    await page.keyboard.press('ArrowRight')
    await page.getByRole('spinbutton').focus()
    await page.keyboard.press('Enter')
    await readToEnd(page)
    const buttons = page.locator('.questions button:not(.plain)')
    await buttons.last().focus()
    await page.keyboard.press('Enter')
    await page.locator('td.right, td.wrong').first().waitFor()
    check(
      'by keyboard: slider, planting, asking',
      (await buttons.count()) === 2 && page.url().includes('share=3'),
      await buttons.count(),
    )
    await page.context().close()
  }
  {
    const { page, problems } = await open(`${site.url}#view=heads&head=diffuse&share=1/8&recipe=yes`, {
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    await page.locator('progress').waitFor()
    check('a board says how far it is', true, (await page.locator('.working').textContent()) ?? '')
    await page.getByRole('heading', { name: /code of the best/ }).waitFor({ timeout: 600_000 })
    await page.locator('svg.plot').waitFor()
    const cells = await page.locator('td .interval').allTextContents()
    check(
      'a board is made, with intervals',
      cells.length > 20 && cells.every((text) => /\(.*–.*%\)/.test(text)),
      cells[0],
    )
    await page.locator('section[aria-label="The adviser"] pre').waitFor({ timeout: 600_000 })
    const recipe = (await page.locator('section[aria-label="The adviser"] pre').textContent()) ?? ''
    check(
      'the adviser finds a recipe, asked for by the address',
      recipe.includes('createStream(recipe)'),
      recipe.length,
    )
    await page.locator('section[aria-label="The adviser"] .code button').click()
    await page.getByText('Copied').waitFor()
    const copied = await page.evaluate(() => navigator.clipboard.readText())
    check('its code is copied', copied === recipe, copied.length)
    const input = page.locator('input[type=file]')
    const values = npyFile('v.npy', 640, 16, 3)
    await input.setInputFiles([npyFile('q.npy', 640, 16, 1), npyFile('k.npy', 640, 16, 2), values])
    await page.getByText(/640 tokens/).waitFor({ timeout: 600_000 })
    check('dropped files are compared', true, '640 tokens')
    for (const { says, name, bytes } of hostile()) {
      const own = `v-${name}`
      const path = join(folder, own)
      writeFileSync(path, bytes)
      const inNode = await openRows(path).then(
        () => 'nothing',
        (error: Error) => error.message.replaceAll(path, own).replace(/^openRows: /, ''),
      )
      await input.setInputFiles([
        { name: own, mimeType: '', buffer: Buffer.from(bytes) }, // first, so that what it holds is looked at
        npyFile('q.npy', 640, 16, 1),
        npyFile('k.npy', 640, 16, 2),
      ])
      await page.getByRole('alert').waitFor()
      const said = await page
        .getByRole('alert')
        .getByText(inNode, { exact: true })
        .waitFor({ timeout: 20_000 })
        .then(
          () => inNode,
          async () => (await page.getByRole('alert').textContent()) ?? '',
        )
      check(`as in Node: ${says}`, said === inNode, said === inNode ? said.slice(0, 60) : `${said}; in Node ${inNode}`)
    }
    check('no errors in the console of heads', problems.length === 0, problems.join(' | ') || 'none')
    await page.context().close()
  }
  {
    // Heads by keyboard: the sample, the shares, the search and its end.
    const { page } = await open(`${site.url}#view=heads&head=diffuse`)
    await page.getByRole('button', { name: 'Stop' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Begin again' }).focus({ timeout: 60_000 })
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: /code of the best/ }).waitFor({ timeout: 600_000 })
    await page.getByLabel('within').focus()
    await page.keyboard.press('ArrowDown')
    await page.getByRole('button', { name: 'Find a recipe' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Stop' }).focus({ timeout: 60_000 })
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Find a recipe' }).waitFor({ timeout: 60_000 })
    check(
      'heads by keyboard: board stopped and begun again, a search stopped',
      page.url().includes('share=1%2F16'),
      new URL(page.url()).hash,
    )
    await page.context().close()
  }
  {
    // A model in ONNX: the sample by its button, then the same folder as a visitor's own.
    const { page, problems } = await open(`${site.url}#view=model`)
    const status = page.locator('p.status')
    const ask = async (): Promise<string> => {
      await page.getByRole('button', { name: 'Say' }).click()
      await page.getByRole('button', { name: 'Say' }).waitFor({ timeout: 120_000 })
      return (await page.locator('.talk .model').last().textContent()) ?? ''
    }
    await page.getByRole('button', { name: /small model of this project/ }).click()
    await page.getByText(/query heads over/).waitFor({ timeout: 120_000 })
    const said = await ask()
    check('a model in ONNX answers', said.includes('4821'), said.slice(0, 60))
    const once = await status.textContent()
    await page.getByRole('combobox', { name: /Remembers/ }).selectOption('streamingLlm')
    await page.locator('.talk .model').waitFor({ state: 'detached' })
    await ask()
    check('and again within other bytes', once !== (await status.textContent()), (await status.textContent()) ?? '')
    await page.locator('input[type=file]').setInputFiles(join(dist, 'small-model'))
    await page.getByText(/query heads over/).waitFor({ timeout: 120_000 })
    await page.getByRole('combobox', { name: /Remembers/ }).selectOption('auto')
    const own = await ask()
    check('a dropped folder answers alike', own === said, own.slice(0, 60))
    await page.locator('input[type=file]').setInputFiles(join(dist, 'assets'))
    await page.getByRole('alert').waitFor()
    const refused = (await page.getByRole('alert').textContent()) ?? ''
    check('a folder that is no model is refused', refused.includes('tokenizer.json'), refused)
    check('no errors in the console of models', problems.length === 0, problems.join(' | ') || 'none')
    await page.context().close()
  }
  {
    const { page } = await open(`${site.url}#view=sketches&epsilon=0.3`)
    await page.locator('.lemma .count[aria-busy="false"]').waitFor({ timeout: 120_000 })
    await page.locator('tbody td').first().waitFor({ timeout: 120_000 })
    const cells = await page.locator('tbody td:last-child').allTextContents()
    check('bounds of counts hold', cells.length > 4 && cells.every((text) => text.includes('✓')), cells.length)
    await page.context().close()
  }
  {
    const strict = await serve(dist, { 'content-security-policy': STRICT })
    const { page } = await open(strict.url)
    await page.getByText(/tokens read/).waitFor({ timeout: 60_000 })
    check('reads under a policy without wasm-unsafe-eval', true, 'scalar kernels')
    await page.context().close()
    strict.close()
  }
  for (const view of ['read', 'heads', 'model', 'sketches', 'losses']) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await open(`${site.url}#view=${view}`, { colorScheme })
      if (view === 'heads') await page.locator('svg.plot').waitFor({ timeout: 600_000 })
      await page.waitForTimeout(1500)
      const violations = await violationsOf(page)
      check(`axe, ${view}, ${colorScheme}`, violations.length === 0, violations.join(' | ') || '0 violations')
      await page.context().close()
    }
  }
  await tryWaits(browser, site.url, check)
  if (shots) await shoot(browser, site.url, shots)
  {
    // What comes before the model: everything but the weights.
    const fresh = await serve(dist)
    const { page } = await open('about:blank')
    await page.route('**/*.safetensors', (route) => route.abort())
    await page.goto(fresh.url)
    await page.locator('.pages p').first().waitFor()
    await page.waitForTimeout(1500)
    check('kB before the model', fresh.sent() <= 400_000, Math.round(fresh.sent() / 1000))
    await page.context().close()
    fresh.close()
  }
} finally {
  await browser.close()
  site.close()
  rmSync(folder, { recursive: true })
}
process.exit(failed > 0 ? 1 : 0)
