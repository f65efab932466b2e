// Prints {"peak": MB} when the process ends, with what the script left in globalThis.reported; it is preloaded with --import. On Linux
// resourceUsage().maxRSS begins with the memory that the parent had at the fork, so the process's own high-water mark is read from /proc where it exists.
import { existsSync, readFileSync, writeSync } from 'node:fs'

process.on('exit', () => {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : ''
  const kibibytes = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? process.resourceUsage().maxRSS)
  writeSync(1, `${JSON.stringify({ ...globalThis.reported, peak: (kibibytes * 1024) / 1e6 })}\n`)
})
