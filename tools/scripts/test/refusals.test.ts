// Whatever a package gives out refuses what it cannot take by its own words, and not by the engine's. Kills: a factory that takes its options apart before it looks at them, a default that
// reads a property of an argument, a new package without its line here.
import { existsSync, globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Packages of parts that check nothing, which stand behind those that do: "checks at the border, bare inner loops". And a private one. */
const INSIDE = ['core', 'kernels', 'laws', 'small-lm']
/** Calls that a user of plain JavaScript makes by mistake. */
const CALLS: readonly (readonly unknown[])[] = [[], [undefined], [null], [{}], [5], ['x']]
/** Messages of V8, which come where nobody checked. */
const ENGINE =
  /Cannot (?:destructure|read|convert|set|create|mix|use)|is not (?:a function|iterable|a constructor|defined)|reading '|Right-hand side|must be an ArrayBuffer/

const packages = globSync('packages/*/package.json', { cwd: root })
  .map((path) => path.replaceAll('\\', '/').split('/')[1])
  .filter((name) => !INSIDE.includes(name) && existsSync(`${root}packages/${name}/src/index.ts`))

/** Functions of a module by name, and those of the records in it. */
function functionsOf(
  module: Record<string, unknown>,
  before = '',
): (readonly [string, (...args: unknown[]) => unknown])[] {
  return Object.entries(module).flatMap(([name, value]) => {
    if (typeof value === 'function') return [[before + name, value as () => unknown] as const]
    return name === 'policies' ? functionsOf(value as Record<string, unknown>, `${name}.`) : []
  })
}

/** The message of what a call throws, at once or later; undefined where it returns. */
async function refusal(run: (...args: unknown[]) => unknown, args: readonly unknown[]): Promise<string | undefined> {
  try {
    await run(...args)
  } catch (error) {
    return (error as Error).message
  }
  return undefined
}

test('there are packages with functions to try', () => {
  expect(packages.length).toBeGreaterThan(15)
  expect(packages).toEqual(expect.arrayContaining(['attention', 'adviser', 'kv-cache', 'onnx', 'token-store']))
})

test.each(packages)('no function of %s answers a wrong first argument with words of the engine', async (name) => {
  const functions = functionsOf((await import(`../../../packages/${name}/src/index.ts`)) as Record<string, unknown>)
  expect(functions.length).toBeGreaterThan(0)
  const raw: string[] = []
  for (const [called, run] of functions)
    for (const args of CALLS) {
      const message = await refusal(run, args)
      if (message !== undefined && ENGINE.test(message)) raw.push(`${called}(${args.map(String).join()}): ${message}`)
    }
  expect(raw).toEqual([])
})
