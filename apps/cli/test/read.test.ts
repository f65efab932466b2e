// The built command, as a user runs it, on files and pipes. Kills: a question at the end of a pipe not answered, memory that grows, answers
// on stderr, an interrupt not heard while a long part is read, exit 0 for a file that is not there, a live line in a pipe.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runSublinear } from './run-sublinear'

const romans = readFileSync(new URL('../../../packages/small-lm/data/romans.txt', import.meta.url), 'utf8')
let folder: string

/** Where it is interrupted, standard input stays open until then. */
const read = (args: readonly string[], input = '', interrupt?: number) =>
  runSublinear(['read', ...args], { input, ...(interrupt !== undefined && { interrupt }) })

describe('sublinear read', () => {
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'sublinear-read-'))))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('answers questions in a file and after it, and says what it held', async () => {
    const file = join(folder, 'text.txt')
    const straw = romans.slice(0, 2000)
    writeFileSync(
      file,
      `${straw} (remember falcon 4729)${straw} (remember ivy 0815) he said (recall falcon) and${straw}`,
    )
    const { code, stdout, stderr } = await read([file, '--stream', 'exact', '--ask', 'ivy', '--json'])
    expect([code, stderr]).toEqual([0, ''])
    const found = JSON.parse(stdout)
    expect(found.answers.map(({ word, text }: { word: string; text: string }) => [word, text])).toEqual([
      ['falcon', ' 4729'],
      ['ivy', ' 0815'],
    ])
    expect(found.cacheBytes).toBe(found.tokens * 4096)
    expect(found).toMatchObject({ model: 'sharp', stream: 'exact' })
  })

  test('says of a word that was never planted that it was not, and refuses aloud what is no question', async () => {
    const long = 'x'.repeat(1001)
    const { code, stdout } = await read(['-', '--stream', 'window', '--ask', 'falcon'], `And (recall ${long}) he said`)
    expect(code).toBe(0)
    expect(stdout).toContain('(recall xxxxxxxxxxxxxxxxxxxx…) is longer than any word that is answered\n')
    expect(stdout).toContain(': (recall falcon) was never planted: the text had no (remember falcon …)\n')
    const { answers } = JSON.parse((await read(['-', '--ask', 'ivy', 'owl', '--json'], '(remember owl 1234)')).stdout)
    expect(answers.map(({ word, refused }: { word: string; refused?: string }) => [word, refused])).toEqual([
      ['ivy', 'never planted'],
      ['owl', undefined],
    ])
    for (const word of [long, '4729', 'two words', 'Größe', ''])
      expect(await read(['-', '--ask', word])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('one word of letters'),
      })
  })

  test('reads a pipe in flat memory, with every stream', async () => {
    for (const [kind, ...size] of [
      ['streamingLlm', '--hold', '64'],
      ['farClosure', '--hold', '64'],
      ['taylor'],
    ] as const) {
      const runs = [5000, 10_000].map((bytes) =>
        read(['-', '--stream', kind, ...size, '--json'], romans.slice(0, bytes)),
      )
      const [short, long] = (await Promise.all(runs)).map(({ stdout }) => JSON.parse(stdout))
      expect(long.tokens).toBeGreaterThan(1.9 * short.tokens)
      expect(long.bytes, kind).toBe(short.bytes)
    }
  })

  test('says in words what it does, without a live line in a pipe', async () => {
    const { code, stdout, stderr } = await read(
      ['-', '--stream', 'exact'],
      `And (remember falcon 4729) he said (recall falcon`,
    )
    expect([code, stderr]).toEqual([0, ''])
    const [answer, stand] = stdout.trim().split('\n')
    expect(answer).toMatch(/^token \d+: \(recall falcon 4729\)$/)
    expect(stand).toMatch(/^\d+ tokens, .* tokens\/s; held .*B, the exact cache would hold .*B/)
    expect((await read(['-', '--quiet'], 'And')).stdout).toBe('')
  })

  test('reads nothing as nothing, and refuses what is no text', async () => {
    expect(JSON.parse((await read(['-', '--json'])).stdout)).toMatchObject({ tokens: 1, answers: [] })
    expect(await read([join(folder, 'none.txt')])).toMatchObject({ code: 2, stdout: '' })
    expect((await read([folder])).stderr).toContain('is a directory, not a text')
    expect((await read(['-', '--stream', 'nothing'])).code).toBe(1)
    const grows = await read(['-', '--stream', 'quantised'], 'And')
    expect(grows).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('none fits any budget for a length that is not known'),
    })
    const sized = await read(
      ['-', '--stream', 'quantised', '--tokens', '300', '--budget', '1/4', '--json'],
      romans.slice(0, 600),
    )
    expect(JSON.parse(sized.stdout)).toMatchObject({ stream: 'quantised', budgetBytes: (300 * 256) / 4 })
  })

  test('stops when interrupted, within a long part and while it waits for more', async () => {
    const stopped = await Promise.all([read(['-'], romans + romans, 1500), read(['-'], 'And', 1500)])
    expect(stopped.map(({ code }) => code)).toEqual([130, 130])
  })
})
