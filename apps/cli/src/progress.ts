import { SingleBar, type Options, type Params } from 'cli-progress'

export interface Progress {
  update(done: number): void
  /** Sets the total, where it was not known before. */
  resize(total: number): void
  stop(): void
}

/** Makes a progress bar on stderr where that is a terminal; nothing in a pipe or with --quiet. */
export function progressBar(title: string, total: number, quiet = false, unit = 'tokens'): Progress {
  if (quiet || !process.stderr.isTTY) return { update: () => {}, resize: () => {}, stop: () => {} }
  const bar = new SingleBar({
    format: (_options: Options, { value, total: all, startTime }: Params) =>
      barText(
        { title, unit, done: value, total: all, seconds: (Date.now() - startTime) / 1000 },
        process.stderr.columns,
      ),
    hideCursor: true,
    clearOnComplete: true,
    linewrap: true, // barText keeps within the width
    stream: process.stderr,
  })
  bar.start(total, 0)
  return { update: (done) => bar.update(done), resize: (all) => bar.setTotal(all), stop: () => bar.stop() }
}

interface Standing {
  readonly title: string
  readonly unit: string
  readonly done: number
  readonly total: number
  readonly seconds: number
}

const WIDEST_BAR = 40

/** Writes title, bar, share, rate and remaining time in one line narrower than `width`; the bar takes the room that the words leave. */
export function barText({ title, unit, done, total, seconds }: Standing, width = 80): string {
  const share = total > 0 ? Math.min(1, done / total) : 0
  const percent = `${Math.floor(100 * share)}%`.padStart(4)
  const rate = done > 0 && seconds > 0 ? done / seconds : undefined
  const speed = rate === undefined ? '' : `, ${shortText(rate)} ${unit}/s, ${timeText((total - done) / rate)} left`
  const count = ` ${shortText(done)}/${shortText(total)}`
  const words =
    [`${percent}${count}${speed}`, `${percent}${speed}`, percent].find(
      (text) => title.length + text.length + 8 < width,
    ) ?? percent
  const bar = Math.max(0, Math.min(WIDEST_BAR, width - title.length - words.length - 4))
  const full = Math.round(bar * share)
  return `${title} ${'■'.repeat(full)}${' '.repeat(bar - full)}${words}`.slice(0, Math.max(0, width - 1))
}

/** Writes a count in short: 987, 12.3k, 4.56M. */
function shortText(x: number): string {
  const units = ['', 'k', 'M', 'G', 'T']
  let unit = 0
  for (; x >= 999.5 && unit < units.length - 1; unit++) x /= 1000
  return `${unit === 0 && Number.isInteger(x) ? x : Number(x.toPrecision(3))}${units[unit]}`
}

/** Writes a time in short: 12 s, 3 min, 5 h. */
function timeText(seconds: number): string {
  if (seconds < 99.5) return `${Math.ceil(seconds)} s`
  return seconds < 5940 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}
