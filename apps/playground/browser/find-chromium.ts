import { execFileSync } from 'node:child_process'

/** The program of Chromium: $CHROMIUM_PATH, or the one on the path; undefined where there is none. */
export function findChromium(): string | undefined {
  try {
    return execFileSync('which', [process.env['CHROMIUM_PATH'] ?? 'chromium'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return undefined
  }
}
