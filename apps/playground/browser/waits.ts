import type { Browser, Page } from 'playwright-core'

/** Milliseconds between two looks at the page, and looks after which a wait must show that something goes on: 0.3 s. */
const LOOK = 50
const MOST_LOOKS = 6
/** Factor by which the processor of the page is slowed. */
const SLOWER = 4
const LONG = { timeout: 600_000 }

interface Flow {
  readonly hash: string
  readonly act: (page: Page) => Promise<void>
}

/** Views, and what takes long in them. */
const FLOWS: Readonly<Record<string, Flow>> = {
  read: {
    hash: '#view=read&share=1',
    async act(page) {
      await page.getByText('Read to the end.').waitFor(LONG)
      await page.getByRole('button', { name: /falcon/ }).click()
      await page.locator('td.right, td.wrong').first().waitFor(LONG)
    },
  },
  heads: {
    hash: '#view=heads&head=diffuse',
    async act(page) {
      await page.locator('svg.plot').waitFor(LONG)
    },
  },
  model: {
    hash: '#view=model',
    async act(page) {
      await page.getByRole('button', { name: /small model of this project/ }).click()
      await page.getByText(/query heads over/).waitFor(LONG)
      await page.getByRole('button', { name: 'Say' }).click()
      await page.getByRole('button', { name: 'Say' }).waitFor(LONG)
    },
  },
  sketches: {
    hash: '#view=sketches',
    async act(page) {
      const said = page.locator('.lemma .count[aria-busy="false"]')
      await said.waitFor(LONG)
      await page.getByLabel(/Paste your own log/).evaluate((area) => {
        ;(area as HTMLTextAreaElement).value = 'a\nb\n'.repeat(50_000)
        area.dispatchEvent(new Event('input', { bubbles: true }))
      })
      await page.getByText('100,000 lines').waitFor(LONG)
      await page.getByLabel('Statement').selectOption('recovery')
      await page.locator('.lemma[aria-label^="Lemma 3.7"] .count[aria-busy="false"]').waitFor(LONG)
    },
  },
}

/**
 * Walks through the views on a slow processor, and checks that no wait above 0.3 s looks as if nothing went on: the text changes, or a bar of progress stands there. Looks are
 * counted, not milliseconds, so that what else the machine does is no fault of the page; a wait that nothing ended, at the end of a flow, is none.
 */
export async function tryWaits(
  browser: Browser,
  url: string,
  check: (name: string, holds: boolean, said: string) => void,
): Promise<void> {
  for (const [view, { hash, act }] of Object.entries(FLOWS)) {
    const context = await browser.newContext()
    await context.addInitScript(look, LOOK)
    const page = await context.newPage()
    const session = await context.newCDPSession(page)
    await session.send('Emulation.setCPUThrottlingRate', { rate: SLOWER })
    await page.goto(`${url}${hash}`)
    await act(page)
    const { looks, text } = await page.evaluate(() => (globalThis as unknown as { waited: Waited }).waited)
    check(`waits show progress, ${view}`, looks <= MOST_LOOKS, `${looks} looks of ${LOOK} ms, before: ${text}`)
    await context.close()
  }
}

/** The longest wait: looks at which nothing had changed, and what came then. */
interface Waited {
  looks: number
  text: string
}

/** Looks at the page from time to time; runs in the page. What the visitor does begins a wait. */
function look(every: number): void {
  const waited: Waited = ((globalThis as unknown as { waited: Waited }).waited = { looks: 0, text: '' })
  let [before, looks] = ['', 0]
  const begin = () => (looks = 0)
  for (const name of ['click', 'input', 'change', 'keydown']) addEventListener(name, begin, { capture: true })
  setInterval(() => {
    const main = document.querySelector('main')
    if (!main) return
    const shown = Array.from(main.querySelectorAll('progress'), ({ hidden }) => !hidden).includes(true)
    const text = main.textContent ?? ''
    if (text !== before && looks > waited.looks) {
      const at = Array.from(text).findIndex((letter, i) => letter !== before[i])
      Object.assign(waited, { looks, text: text.slice(Math.max(0, at - 30), at + 50) })
    }
    looks = shown || text !== before ? 0 : looks + 1
    before = text
  }, every)
}
