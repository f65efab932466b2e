/** Reads from the comments of tests of chance how often a named fault passes them. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Matches what a test says of chance: bounds by binomials, or standard errors. */
const STATISTICS = /\b(?:most|least)Failures\(|\bfive standard errors\b|\bfalse[ -]alarms?\b/iu
/** Up to the end of the sentence. */
const MISSES = /\bmiss(?:es\b[^:.]*:| rate) (.*?)(?:\.(?=\s|$)|$)/giu

/** Reads the comments of a source that begin with two slashes, in one line. */
export const commentsOf = (text) =>
  Array.from(text.matchAll(/\/\/ ?(.*)$/gmu), ([, line]) => line)
    .join(' ')
    .replaceAll(/\s+/gu, ' ')

/** Reads what comments say of misses, sentence by sentence. */
export const missesIn = (comments) => Array.from(comments.matchAll(MISSES), ([, said]) => said)

/** Finds the tests of chance of the repository, each with its comments. */
export function testsOfChance(root) {
  return globSync(['{packages,apps,tools}/*/test/**/*.test.ts', 'evidence/test/*.test.ts'], { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !path.includes('/node_modules/') && !path.endsWith('house.test.ts'))
    .toSorted()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
    .filter(({ text }) => STATISTICS.test(text))
    .map(({ path, text }) => ({ path, comments: commentsOf(text) }))
}
