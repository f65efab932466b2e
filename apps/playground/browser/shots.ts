/**
 * Screenshots of the built playground, and of some pages of the documentation, at three widths, light and dark: `node browser/shots.ts folder [view … | pages]`, after
 * `npm run site`. Each view computes once; only the window changes.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type Page } from 'playwright-core'
import { findChromium } from '../../../tools/scripts/chromium.mjs'
import { serve } from './serve.ts'

const SIZES = [
  [390, 844],
  [834, 1112],
  [1440, 900],
] as const
const LONG = { timeout: 600_000 }

/** Views: their addresses, and what stands there when they are ready. */
const VIEWS: Readonly<Record<string, { readonly hash: string; ready(page: Page): Promise<unknown> }>> = {
  read: {
    hash: '#view=read',
    async ready(page) {
      await page.getByText('Read to the end.').waitFor(LONG)
      await page.getByRole('button', { name: /falcon/ }).click()
    },
  },
  heads: {
    hash: '#view=heads&recipe=yes',
    async ready(page) {
      await page.locator('svg.plot').waitFor(LONG)
      await page.locator('section[aria-label="The adviser"] pre').waitFor(LONG)
    },
  },
  model: {
    hash: '#view=model&opens=small',
    async ready(page) {
      await page.getByRole('button', { name: 'Say' }).click(LONG)
      await page.getByRole('button', { name: 'Say' }).waitFor(LONG)
    },
  },
  sketches: { hash: '#view=sketches', ready: (page) => page.locator('.lemma .count[aria-busy="false"]').waitFor(LONG) },
  losses: { hash: '#view=losses', ready: (page) => page.locator('.cards').waitFor(LONG) },
}

/** Pages of the documentation, in the same way; only what a window shows is drawn. */
const PAGES: typeof VIEWS = {
  start: { hash: '', ready: (page) => page.locator('main h1').waitFor(LONG) },
  'which-method': {
    hash: 'docs/which-method.html',
    ready: (page) => page.locator('.which-method tbody tr').first().waitFor(LONG),
  },
  'one-pass': {
    hash: 'docs/papers/one-pass.html#lemma-3-5-ams',
    async ready(page) {
      const slider = page.getByRole('region', { name: /random signs/ }).getByRole('slider', { name: /rows/ })
      await slider.fill('0.12')
      await page.locator('.lemma .broken[aria-busy="false"]').waitFor(LONG)
    },
  },
}

/** Draws views, or pages, into a folder, as `view-width-scheme.png`. */
export async function shoot(
  browser: Browser,
  url: string,
  folder: string,
  names: readonly string[] = Object.keys(VIEWS),
): Promise<void> {
  mkdirSync(folder, { recursive: true })
  for (const view of names) {
    const isPage = Object.hasOwn(PAGES, view)
    const { hash, ready } = isPage ? PAGES[view] : VIEWS[view]
    const page = await (await browser.newContext()).newPage()
    await page.goto(`${url}${hash}`)
    await ready(page)
    for (const [width, height] of SIZES)
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.setViewportSize({ width, height })
        await page.emulateMedia({ colorScheme })
        await page
          .locator(isPage ? '.lemma .broken, main h1' : 'main')
          .last()
          .scrollIntoViewIfNeeded() // lines break anew
        await page.waitForTimeout(300)
        await page.screenshot({
          path: join(folder, `${view}-${width}-${colorScheme}.png`),
          fullPage: !isPage && (width !== 1440 || view !== 'read'),
        })
      }
    await page.context().close()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder = 'screenshots', ...views] = process.argv.slice(2)
  const { program, why } = findChromium()
  if (!program) throw new Error(why)
  const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-gpu'] })
  const site = await serve(fileURLToPath(new URL('../../../site', import.meta.url)))
  const isPages = views[0] === 'pages'
  const wanted = isPages ? Object.keys(PAGES) : views.length > 0 ? views : undefined
  await shoot(browser, isPages ? site.url : `${site.url}playground/`, folder, wanted)
  await browser.close()
  site.close()
}
