#!/usr/bin/env node
/**
 * Damages .npy, .npz and .safetensors files and reads them by this library and by an independent reader in Python (read_files.py; NumPy and the
 * safetensors package too
 * where they are installed). The others must accept all that the library accepts, with the same names, types, shapes and numbers.
 *
 *   node tools/scripts/file-mutants.mjs [--count 100000] [--seed 1] [--python python3] [npy npz safetensors]     needs a build of packages/io
 *
 * Prints a JSON line for each format; exit code 1 when there was a disagreement.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const reader = fileURLToPath(new URL('read_files.py', import.meta.url))
const BATCH = 5000

/** @type {import('./file-mutants.mjs').compareMutants} */
export async function compareMutants(library, format, count, seed, python = 'python3') {
  const seeds = frames(run(python, ['seeds', format]))
  const random = generator(seed)
  const result = {
    format,
    mutants: count,
    accepted: 0,
    refusedByBoth: 0,
    refusedHereAlone: 0,
    disagreements: 0,
    reasons: {},
    examples: [],
  }
  for (let done = 0; done < count; done += BATCH) {
    const mutants = Array.from({ length: Math.min(BATCH, count - done) }, (_, i) =>
      done + i < seeds.length ? seeds[done + i] : mutant(seeds[Math.floor(random() * seeds.length)], seeds, random),
    )
    const input = Buffer.concat(mutants.flatMap((bytes) => [Buffer.from(Uint32Array.of(bytes.length).buffer), bytes]))
    const answers = run(python, ['read', format], input).toString().trimEnd().split('\n')
    for (const [i, bytes] of mutants.entries()) {
      let mine
      let why = ''
      try {
        mine = await contents(library, format, bytes)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        why = error.message
      }
      const theirs = answers[i]
      if (mine === undefined && theirs === 'null') result.refusedByBoth++
      else if (mine === undefined) {
        result.refusedHereAlone++
        const reason = why.replaceAll(/at byte \d+/g, '').replaceAll(/found .*|"[^"]*"|\d+/gs, '…')
        result.reasons[reason] = (result.reasons[reason] ?? 0) + 1
      } else if (theirs !== 'null' && sorted(mine) === sorted(JSON.parse(theirs))) result.accepted++
      else {
        result.disagreements++
        if (result.examples.length < 5)
          result.examples.push({ mine, theirs, file: Buffer.from(bytes).toString('base64') })
      }
    }
  }
  return result
}

const sorted = (list) => JSON.stringify([...list].map((one) => JSON.stringify(one)).toSorted())

async function contents({ crc32, decodeNpy, decodeNpz, decodeTensors, toBfloat16, toHalf }, format, bytes) {
  const sum = (type, data) => {
    const raw = /^b?f(16|2)$/i.test(type) ? (/^b/i.test(type) ? toBfloat16(data) : toHalf(data)) : data
    return crc32(new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength))
  }
  const array = ({ dtype, shape, data }) => [dtype, shape, sum(dtype, data)]
  if (format === 'npy') return [['', ...array(decodeNpy(bytes, { bfloat16: true }))]]
  if (format === 'npz')
    return [...(await decodeNpz(bytes, { bfloat16: true }))].map(([name, found]) => [name, ...array(found)])
  const { tensors, skipped } = decodeTensors(bytes)
  return [
    ...[...tensors].map(([name, tensor]) => [name, ...array(tensor)]),
    ...[...skipped].map(([name, { dtype, shape }]) => [name, dtype, shape, 0]),
  ]
}

/** A copy with one to three changes: of a bit, a byte or a word of a header; a piece moved, left out or put in; or a cut. */
function mutant(from, seeds, random) {
  let bytes = Buffer.from(from)
  const below = (n) => Math.floor(random() * n)
  const header = () => (random() < 0.7 ? below(Math.min(bytes.length, 200)) : below(bytes.length))
  for (let changes = 1 + below(3); changes > 0 && bytes.length > 0; changes--) {
    const at = header()
    const length = below(9)
    const word = WORDS[below(WORDS.length)]
    const kind = below(9)
    if (kind === 0) bytes[at] ^= 1 << below(8)
    else if (kind === 1) bytes[at] = below(256)
    else if (kind === 2) bytes[at] = [0, 1, 255, 0x20, 0x2c, 0x30, 0x39, 0x4c][below(8)]
    else if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
    else if (kind === 4)
      bytes = Buffer.concat([
        bytes.subarray(0, at),
        bytes.subarray(below(bytes.length)).subarray(0, length),
        bytes.subarray(at),
      ])
    else if (kind === 5) word.copy(bytes, at)
    else if (kind === 6)
      bytes = Buffer.concat([
        bytes.subarray(0, at),
        word,
        bytes.subarray(Math.min(bytes.length, at + (random() < 0.7 ? word.length : 0))),
      ])
    else if (kind === 7 && random() < 0.3) bytes = bytes.subarray(0, below(bytes.length + 1))
    else {
      // a word of a header is replaced by another, of the same length or not, wherever it stands
      const [old, put] = SWAPS[below(SWAPS.length)]
      const place = bytes.indexOf(old)
      if (place >= 0)
        bytes = Buffer.concat([bytes.subarray(0, place), Buffer.from(put), bytes.subarray(place + old.length)])
      else bytes = Buffer.concat([bytes, seeds[below(seeds.length)].subarray(0, length)])
    }
  }
  return bytes
}

const WORDS = [
  'L',
  '1',
  '(2L, 3L)',
  'True',
  '<f4',
  '|V2',
  '>i8',
  '[2,4]',
  '[8]',
  '[0,0]',
  '"F32"',
  '"BOOL"',
  '"F4"',
  '{',
  '}',
  ',',
  '"',
  '\0',
  'PK\x01\x02',
  'PK\x05\x06',
  '\xff\xff\xff\xff',
  '\0\0\0\0\0\0\0\0',
].map((text) => Buffer.from(text, 'latin1'))
const SWAPS = [
  ['(2, 3)', '(3, 2)'], ['(2, 3)', '(6,) '], ['(2, 3)', '(6L,)'], ['(2, 3)', '(2L,3)'], ['2L', '2l'], ['2L', '2LL'], ['2L', '2 L'], ['False', 'True '], ['True', 'False'], ['False', '0'],
  ["'<f4'", "'>f4'"], ["'<f4'", "'<i4'"], ["'<f4'", "'<u4'"], ["'<f4'", "'|V4'"], ["'<f2'", "'|V2'"], ["'|V2'", "'>V2'"], ["'|i1'", "'|b1'"], ["'|b1'", "'<u1'"], ["'<f8'", "'<c8'"], ["'<f8'", "'<i8'"], ["'<f8'", "'f8'"], ["'descr'", '"descr"'],
  ['[2, 4]', '[4, 2]'], ['[2, 4]', '[8]   '], ['[2, 4]', '[8,1]'], ['[2, 4]', '[2,4.0]'], ['"F32"', '"I32"'], ['"F4"', '"F8"'], ['"F8_E4M3"', '"F8_E5M2"'], ['"BOOL"', '"U8"'], ['"U8"', '"BOOL"'], ['"by"', '"\\u0062y"'], ['"é"', 'null'], ['"dtype"', '"Dtype"'], ['[0, ', '[1, '], ['"C64"', '"F64"'], ['"BF16"', '"F16"'],
].map(([old, put]) => [Buffer.from(old), Buffer.from(put)]) // prettier-ignore

/** Numbers from 0 to 1 (mulberry32). */
function generator(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}

function frames(bytes) {
  const list = []
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32LE(at)
    list.push(bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return list
}

function run(python, args, input) {
  const { status, stdout, stderr, error } = spawnSync(python, [reader, ...args], { input, maxBuffer: 2 ** 30 })
  if (status !== 0) throw new Error(`read_files.py ${args.join(' ')}: ${error ?? stderr}`)
  return stdout
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      count: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      python: { type: 'string', default: 'python3' },
    },
  })
  const library = {
    ...(await import('../../packages/core/dist/index.js')),
    ...(await import('../../packages/io/dist/index.js')),
  }
  for (const format of positionals.length > 0 ? positionals : ['npy', 'npz', 'safetensors']) {
    const result = await compareMutants(library, format, Number(values.count), Number(values.seed), values.python)
    console.log(JSON.stringify(result))
    if (result.disagreements > 0) process.exitCode = 1
  }
}
