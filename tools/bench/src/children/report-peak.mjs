// Preloaded with --import: prints {"peak": MB} when the process ends, and what the script left in globalThis.reported. Linux hands the memory of the parent at the fork on to
// resourceUsage().maxRSS, so the process's own high-water mark is read where /proc has it.
import { existsSync, readFileSync, writeSync } from 'node:fs'

process.on('exit', () => {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : ''
  const kibibytes = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? process.resourceUsage().maxRSS)
  writeSync(1, `${JSON.stringify({ ...globalThis.reported, peak: (kibibytes * 1024) / 1e6 })}\n`)
})
