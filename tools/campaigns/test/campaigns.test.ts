// The campaigns run and the documents are those of their results. Kills: a page whose figures are not the committed ones, a schema that changed and was not
// published, a field of a snapshot that no schema has, a runner that finds nothing where there is something, attempts that differ for the same seed.
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { catalogue, meanStream } from '@sublinear/attention'
import { decodeSnapshot } from '@sublinear/core'
import { expect, test } from 'vitest'
import { snapshots } from '../src/campaigns/snapshots.ts'
import { growth } from '../src/growth.ts'
import { programs } from '../src/campaigns/programs.ts'
import { mutated } from '../src/mutate.ts'
import { BESIDE, KINDS, PARTS } from '../src/published.ts'
import { randomOf } from '../src/random.ts'
import { SHAPE } from '../src/streams.ts'
import { SUBJECTS, type Subject } from '../src/subjects.ts'
import { written } from '../src/tables.ts'

const path = (name: string) => fileURLToPath(new URL(`../../../${name}`, import.meta.url))
const uncounted = { total: 0, largest: 0, reset() {} }

test('docs/reliability.md has the figures of the committed results', () => {
  const text = readFileSync(path('docs/reliability.md'), 'utf8')
  expect(written(text)).toBe(text)
})

test('docs/format.md has the schemas that snapshots are read by', () => {
  execFileSync(process.execPath, [path('tools/campaigns/src/schemas.ts'), '--check'])
})

test('every field of a snapshot of every kind is in its schemas, or is known to be read elsewhere', () => {
  const kinds = new Set<string>()
  for (const subject of Object.values(SUBJECTS)) {
    const { kind, parameters, tensors } = decodeSnapshot(subject.make().toBytes())
    kinds.add(kind)
    const parts = KINDS[kind].flatMap((name) => (PARTS[name] ? [PARTS[name].fields] : []))
    const known = (name: string, side: 'parameters' | 'tensors') =>
      parts.some((fields) => Object.hasOwn(fields[side] ?? {}, name)) || BESIDE.test(name)
    expect(Object.keys(parameters).filter((name) => !known(name, 'parameters'))).toEqual([])
    expect([...tensors.keys()].filter((name) => !known(name, 'tensors'))).toEqual([])
  }
  expect(Object.keys(KINDS).filter((kind) => !kinds.has(kind) && kind !== 'small-lm')).toEqual([])
})

test('every kind that a package writes or reads has a schema', () => {
  const kinds = new Set(catalogue.map(({ name }) => name))
  for (const file of globSync('packages/*/src/**/*.ts', { cwd: path('.') })) {
    const text = readFileSync(path(file), 'utf8')
    if (!/(?:en|de)codeSnapshot\(/.test(text)) continue
    const named: Record<string, string> = {}
    for (const [, name, kind] of text.matchAll(/const \[?(\w+)(?:, \w+\])? = \[?'([^']+)'/g)) named[name] = kind
    for (const [, quoted, name] of text.matchAll(/\bkind: (?:'([^']+)'|([A-Z_]+))(?:,\s+version:|\s*\}\))/g)) {
      if (quoted !== undefined || named[name]) kinds.add(quoted ?? named[name])
      else expect(text).toMatch(new RegExp(`import [^;]*\\b${name}\\b[^;]* from './`)) // and is read where it stands
    }
  }
  expect(kinds.size).toBeGreaterThan(35)
  expect([...kinds].filter((kind) => !KINDS[kind])).toEqual([])
})

test('an attempt is decided by its name', () => {
  const bytes = meanStream(SHAPE).toBytes()
  const [one, again, other] = ['a', 'a', 'b'].map((name) => mutated(randomOf(name), bytes))
  expect(again).toEqual(one)
  expect(other).not.toEqual(one)
})

test('changed snapshots of two kinds, and a program, are as they must be', async () => {
  for (const unit of ['closure, three clusters', 'frequentItems, keyed']) {
    const attempt = await snapshots(uncounted).begin(unit)
    for (let i = 0; i < 40; i++) expect((await attempt(randomOf(`test ${i}`), i)).finding).toBeUndefined()
  }
  const attempt = await programs.begin('a layer: tova, 3000 bytes')
  for (let i = 0; i < 3; i++) expect((await attempt(randomOf(`test ${i}`), i)).finding).toBeUndefined()
})

test('what opening costs is bounded by the input: snapshots of large sizes that fit each other', () => {
  const run = ['sample', '--only', 'forged', '--share', '0.2', '--seed', '7']
  expect(execFileSync(process.execPath, [path('tools/campaigns/run.ts'), ...run], { encoding: 'utf8' })).toMatch(
    /^forged: 51 tried.*; 0 findings$/m,
  )
}, 120_000)

// Kills: a truth of other tokens than the stream's, a stream that loses or doubles tokens, moments around another centre, tokens that wait taken for folded ones.
test('errors of ten thousand tokens are those of float32', () => {
  const rows = growth(10_000)
  expect(rows.length).toBe(3 * 2 * 5)
  for (const { stream, tokens, n, error } of rows)
    if (!(error < 3e-6)) expect.fail(`${error} of ${stream}, ${tokens}, ${n}`)
})

test('a state that answers with NaN, and one whose own snapshot is refused, are found', async () => {
  const make = SUBJECTS['layer'].make
  const faulty: Record<string, Subject> = {
    'NaN in an answer': { make, open: () => make(), use: () => [[NaN]] },
    'its own snapshot opens to another state': {
      make,
      open: () => ({
        toBytes: () => Uint8Array.from([performance.now() % 256, Math.floor(performance.now() * 1000) % 256]),
      }),
      use: () => [],
    },
  }
  for (const [finding, subject] of Object.entries(faulty)) {
    Object.assign(SUBJECTS, { faulty: subject })
    const attempt = await snapshots(uncounted).begin('faulty')
    const found = (await attempt(randomOf('x'), 0)).finding
    expect(found).toBe(finding)
  }
})
