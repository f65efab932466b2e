// Every command that writes, and what it must not write over: its inputs (by path, symbolic link, hard link and tensor address), its other outputs, a
// directory, a device, a FIFO. Kills: a report written over a query file, a module or the text that is read, --resume opened on a FIFO (which waits
// for ever), --advice replaced by --report, a refusal after the work, a link replaced by a file.
import { execFileSync } from 'node:child_process'
import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeNpy, encodeTensors } from '@sublinear/io'
import { random } from '@sublinear/laws'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { refuseOutputs } from '../src/outputs'
import { callSublinear } from './call-sublinear'

let folder: string
const at = (name: string) => join(folder, name)

const sublinear = (args: readonly string[]) => callSublinear(args, folder)

const inputs = ['q.npy', 'k.npy', 'v.npy', 'mine.mjs', 'text.txt', 'all.safetensors'] as const

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sublinear-outputs-'))
  const data = ['q', 'k', 'v'].map((_, i) => random(40, 4, i))
  for (const [i, name] of ['q', 'k', 'v'].entries()) writeFileSync(at(`${name}.npy`), encodeNpy(data[i]))
  const tensor = (i: number) => ({ dtype: 'F32' as const, shape: [1, 40, 4], data: data[i].data })
  writeFileSync(at('all.safetensors'), encodeTensors({ q: tensor(0), k: tensor(1), v: tensor(2) }))
  writeFileSync(
    at('mine.mjs'),
    `import { policies } from '@sublinear/attention'\nexport default policies.window({ count: 9 })\n`,
  )
  writeFileSync(at('text.txt'), 'And it came to pass. '.repeat(60))
  execFileSync('mkfifo', [at('fifo')])
  for (const name of inputs) {
    symlinkSync(name, at(`link-${name}`))
    linkSync(at(name), at(`hard-${name}`))
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

const attend = ['attend', '--queries', 'q.npy', '--keys', 'k.npy', '--values', 'v.npy', '--stream', './mine.mjs']
const tensors = ['q', 'k', 'v'].map((name) => `all.safetensors:${name}[0]`)
const compare = ['compare', ...tensors, '--streams', 'window', '--stream', './mine.mjs']
const question = [
  '--models',
  'sharp',
  '--lengths',
  '64',
  '--text',
  'text.txt',
  '--streams',
  'exact',
  '--stream',
  './mine.mjs',
]
const evaluation = (command: string) => [command, ...question]
const refused = (path: string, input: string) => refuseOutputs([{ flag: '--out', path: at(path) }], [at(input)])
const writers: readonly [string, readonly string[], string, readonly (typeof inputs)[number][]][] = [
  ['attend', attend, '--out', ['q.npy', 'k.npy', 'v.npy', 'mine.mjs']],
  ['compare', compare, '--report', ['all.safetensors', 'mine.mjs']],
  ['needle', evaluation('needle'), '--report', ['text.txt', 'mine.mjs']],
  ['needle', evaluation('needle'), '--resume', ['text.txt', 'mine.mjs']],
  ['perplexity', evaluation('perplexity'), '--advice', ['text.txt', 'mine.mjs']],
]

describe('no command destroys an input', () => {
  test.each(writers)(
    '%s with %j: %s',
    async (_, args, flag, own) => {
      const before = new Map(inputs.map((name) => [name, readFileSync(at(name))]))
      const places = readdirSync(folder)
      const first = own[0]
      const targets = [...own, `./${first}`, `link-${first}`, `hard-${first}`].map((path) => [
        path,
        'is one of the inputs',
      ])
      for (const [path, words] of [
        ...targets,
        ['.', 'is a directory'],
        ['/dev/null', 'is a device'],
        ['fifo', 'is a FIFO'],
      ]) {
        const { code, stdout, stderr } = await sublinear([...args, flag, path])
        expect({ code, stdout }, `${flag} ${path}: ${stderr}`).toEqual({ code: 2, stdout: '' })
        expect(stderr).toContain(`${flag} ${path}: ${words}`)
      }
      for (const [name, bytes] of before) expect(readFileSync(at(name)), name).toEqual(bytes)
      expect(readdirSync(folder)).toEqual(places)
    },
    60_000,
  )

  test('nor one output another', async () => {
    const args = [...evaluation('needle'), '--resume', 'a.json', '--report', './a.json']
    const { code, stderr } = await sublinear(args)
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'sublinear: --report ./a.json: is also what --resume names\n',
    })
  })

  test('a link to another file is followed, and the file is whole', async () => {
    writeFileSync(at('old.html'), 'old')
    symlinkSync('old.html', at('page.html'))
    expect((await sublinear(['compare', ...tensors, '--streams', 'window', '--report', 'page.html'])).code).toBe(0)
    expect(lstatSync(at('page.html')).isSymbolicLink()).toBe(true)
    expect(readFileSync(at('old.html'), 'utf8')).toMatch(/^<!doctype html>[^]*<\/html>\n$/)
  })

  test('what is no file hides no input: a folder or an index in brackets', async () => {
    await expect(refused('q.npy', 'q.npy[0,1]')).rejects.toThrow('is one of the inputs')
    await expect(refused('q.npy', 'none.npy')).resolves.toBeUndefined()
    await expect(refused('', 'none.npy')).rejects.toThrow('is a directory')
    await expect(refused('no/o.npy', 'q.npy')).rejects.toThrow('its folder cannot be written to')
  })
})

test('a .safetensors file of a model folder that is read is no output', async () => {
  mkdirSync(at('model'))
  for (const input of [`${at('model')}/:a`, `${at('model/model.safetensors.index.json')}:a`]) {
    writeFileSync(at('model/model.safetensors.index.json'), '{}')
    const refused = refuseOutputs([{ flag: '--out', path: at('model/1.safetensors') }], [input])
    await expect(refused).rejects.toThrow('is a file of a model that is one of the inputs')
    await refuseOutputs([{ flag: '--out', path: at('model/o.npy') }], [input])
  }
})
