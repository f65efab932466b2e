import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The path of a script in src/children. These are plain .mjs: stripping types would add to the memory that they measure. */
export function childScript(name: string): string {
  return fileURLToPath(new URL(`children/${name}.mjs`, import.meta.url))
}

/** Runs Node with these arguments in a fresh process and returns the last line of its output, parsed as JSON. */
export function runNode(args: readonly string[]): Record<string, number> {
  const output = execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  return JSON.parse(output.trimEnd().split('\n').at(-1) ?? '')
}

/** Peak resident memory in MB (10⁶ bytes) of a fresh Node process that runs this script. */
export function peakMemory(script: string, ...args: readonly (string | number)[]): number {
  const preload = new URL('children/report-peak.mjs', import.meta.url).href
  return runNode(['--import', preload, script, ...args.map(String)]).peak
}
