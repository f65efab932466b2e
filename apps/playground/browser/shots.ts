/**
 * Screenshots of the built page at three widths, light and dark: `node browser/shots.ts folder [view …]`. Each view computes once; only the window changes.
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

/** Draws views into a folder, as `view-width-scheme.png`. */
export async function shoot(
  browser: Browser,
  url: string,
  folder: string,
  views: readonly string[] = Object.keys(VIEWS),
): Promise<void> {
  mkdirSync(folder, { recursive: true })
  for (const view of views) {
    const { hash, ready } = VIEWS[view]
    const page = await (await browser.newContext()).newPage()
    await page.goto(`${url}${hash}`)
    await ready(page)
    for (const [width, height] of SIZES)
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.setViewportSize({ width, height })
        await page.emulateMedia({ colorScheme })
        await page.waitForTimeout(300)
        await page.screenshot({
          path: join(folder, `${view}-${width}-${colorScheme}.png`),
          fullPage: width !== 1440 || view !== 'read',
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
  const site = await serve(fileURLToPath(new URL('../dist', import.meta.url)))
  await shoot(browser, site.url, folder, views.length > 0 ? views : undefined)
  await browser.close()
  site.close()
}
