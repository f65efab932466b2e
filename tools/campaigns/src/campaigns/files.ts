import { decodeNpy, decodeNpz, decodeTensors, encodeNpy, encodeTensors } from '@sublinear/io'
import { openRows, type Rows } from '@sublinear/io/node'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 as crcOf } from 'node:zlib'
import { Field, FixedSizeList, Float32, makeData, RecordBatch, Schema, Struct, Table, tableToIPC } from 'apache-arrow'
import { catalogue } from '@sublinear/attention'
import { columnRows } from '../../../../apps/cli/src/columns/column-rows.ts'
import { openColumn } from '../../../../apps/cli/src/columns/open-column.ts'
import { readRecipe } from '../../../../apps/cli/src/recipe.ts'
import type { Allocations } from '../allocations.ts'
import { outOfGrammar, ownWords, told, type Attempt, type Campaign } from '../campaign.ts'
import type { Matrix } from '@sublinear/core'
import { randomOf, type Random } from '../random.ts'
import { SHAPE } from '../streams.ts'
import { seconds } from './snapshots.ts'

/** Bytes that reading may ask for at once: twice the file's, and 6 MiB, room for a reader's panel of 1 MiB with its floats. */
const [TIMES, BESIDE] = [2, 6 * 2 ** 20]
const SECONDS = 2
/** Pattern of a reader's error: the name of the function, or the option of the command, then a sentence. */
const OURS = /^(openRows|decodeNp[yz]|safetensors|arrayShape|--recipe [^:]+): |^\S*one\.[a-z.]+:? /

/** A table of three columns of numbers that pyarrow wrote. */
const TABLE = new URL('../../../../apps/cli/test/columns/snappy.parquet', import.meta.url)

/** A sort of file: its bytes, and a reader that returns the numbers that it found. */
interface Format {
  readonly bytes: () => Uint8Array
  readonly read: (bytes: Uint8Array) => Promise<readonly ArrayLike<number>[]>
}

export function files(allocations: Allocations): readonly Campaign[] {
  const folder = mkdtempSync(join(tmpdir(), 'campaign-files-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const formats = formatsIn(folder)
  const all = (name: string, about: string, units: readonly string[], sample: number, patience = 20): Campaign => ({
    name,
    about,
    sample,
    round: 20 * sample,
    patience,
    units: () => units,
    begin: (unit) => attemptsOf(formats[unit], allocations),
  })
  const own = Object.keys(formats).filter((name) => name !== 'arrow')
  const about =
    'a changed file is refused in a sentence, or read to finite numbers; largest array ≤ 2 × file + 6 MiB (a reader’s panel), 2 s of CPU'
  return [
    all('files', about, own, 300),
    // The command stops its reader after 15 s; it runs in a thread of its own.
    all('files of apache-arrow', `${about}; the reader is not ours`, ['arrow'], 10, 60),
  ]
}

function attemptsOf({ bytes, read }: Format, allocations: Allocations): Attempt {
  const good = bytes()
  return async (random) => {
    const input = damaged(random, good)
    allocations.reset()
    const start = seconds()
    let outcome = 'read'
    let fault: readonly [string, string] | undefined
    try {
      for (const numbers of await read(input))
        for (let i = 0; i < numbers.length && !fault; i++)
          if (!Number.isFinite(numbers[i])) fault = ['a number that is not finite', `entry ${i}`]
    } catch (error) {
      outcome = 'refused'
      const why = OURS.test((error as Error).message) ? engine(error) : outOfGrammar(error)
      if (why) fault = [`refused, but ${why}`, told(error)]
    }
    const took = seconds() - start
    if (allocations.largest > TIMES * input.length + BESIDE)
      fault ??= ['an array beyond the bound', `${allocations.largest} bytes of ${input.length}`]
    if (took > SECONDS) fault ??= ['slow', `${took.toFixed(1)} s`]
    return fault ? { outcome, finding: fault[0], detail: fault[1], input } : { outcome }
  }
}

const engine = (error: unknown) =>
  /Invalid (typed )?array|call stack/.test(ownWords((error as Error).message)) ? 'the engine refused' : undefined

/** A copy of the bytes with one change: bits, bytes, digits of a header, a piece twice, a piece less. */
function damaged(random: Random, good: Uint8Array): Uint8Array {
  const bytes = good.slice()
  const sort = random.next()
  const head = Math.min(bytes.length, 256)
  if (sort < 0.25) bytes[random.below(bytes.length)] ^= 1 << random.below(8)
  else if (sort < 0.45) bytes[random.below(head)] = random.below(256)
  else if (sort < 0.65) {
    // digits and names of the header are replaced by others
    const at = random.below(head)
    const text = random.pick([
      '9',
      '0',
      '-',
      '99999999999',
      '1e9',
      '"',
      '{',
      '}',
      '<f8',
      '<V2',
      '|O',
      'True',
      '\u0000',
      'F64',
      '(',
      ',',
    ])
    bytes.set(new TextEncoder().encode(text).subarray(0, bytes.length - at), at)
  } else if (sort < 0.75) return bytes.subarray(0, random.below(bytes.length + 1))
  else if (sort < 0.85) {
    const at = random.below(bytes.length)
    return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at >> 1)])
  } else if (sort < 0.95)
    for (let i = 0; i < 4; i++) bytes[random.below(bytes.length)] = random.pick([0, 0xff, 0x7f, 0x80])
  else {
    const view = new DataView(bytes.buffer)
    const at = random.below(Math.max(1, bytes.length - 8))
    view.setUint32(at, random.pick([0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 24]), true)
  }
  return bytes
}

/** Reads all rows of a file. */
async function rowsOf(rows: Rows): Promise<readonly Float32Array[]> {
  const found: Float32Array[] = []
  try {
    for await (const { data } of rows.blocks(Math.max(1, Math.min(64, Math.floor(2 ** 16 / rows.cols)))))
      found.push(data)
  } finally {
    await rows.close()
  }
  return found
}

function formatsIn(folder: string): Readonly<Record<string, Format>> {
  const random = randomOf('files')
  const matrix = random.matrix(40, 6)
  const npy = () => encodeNpy(matrix)
  const tensor = { dtype: 'F32' as const, shape: [40, 6], data: matrix.data }
  const tensors = () =>
    encodeTensors({ keys: tensor, values: { ...tensor, data: matrix.data.slice() } }, { from: 'a model' })
  const placed = (name: string, bytes: Uint8Array) => {
    const path = join(folder, name)
    writeFileSync(path, bytes)
    return path
  }
  const table = () => tableToIPC(listsOf(matrix), 'file')
  const model = (name: string) => {
    const path = join(folder, name)
    mkdirSync(path, { recursive: true })
    writeFileSync(join(path, 'part-1.safetensors'), tensors())
    return path
  }
  return {
    npy: { bytes: npy, read: async (bytes) => [finite(decodeNpy(bytes))] },
    'npy, as rows': { bytes: npy, read: async (bytes) => rowsOf(await openRows(placed('one.npy', bytes))) },
    npz: {
      bytes: () => stored('keys.npy', npy()),
      read: async (bytes) => Array.from((await decodeNpz(bytes)).values(), finite),
    },
    'npz, as rows': {
      bytes: () => stored('keys.npy', npy()),
      read: async (bytes) => rowsOf(await openRows(placed('one.npz', bytes))),
    },
    safetensors: { bytes: tensors, read: async (bytes) => (decodeTensors(bytes), []) },
    'safetensors, as rows': {
      bytes: tensors,
      read: async (bytes) => rowsOf(await openRows(placed('one.safetensors', bytes), { tensor: 'keys' })),
    },
    'an index of shards': {
      bytes: index,
      read: async (bytes) => {
        const path = model('one')
        writeFileSync(join(path, 'model.safetensors.index.json'), bytes)
        return rowsOf(await openRows(join(path, 'model.safetensors.index.json'), { tensor: 'keys' }))
      },
    },
    'a shard': {
      bytes: tensors,
      read: async (bytes) => {
        const path = model('two')
        writeFileSync(join(path, 'model.safetensors.index.json'), index())
        writeFileSync(join(path, 'part-1.safetensors'), bytes)
        return rowsOf(await openRows(path, { tensor: 'keys' }))
      },
    },
    arrow: {
      bytes: table,
      read: async (bytes) => {
        const column = await openColumn(placed('one.arrow', bytes), 'rows')
        return column ? rowsOf(columnRows(column)) : []
      },
    },
    parquet: {
      bytes: () => new Uint8Array(readFileSync(TABLE)),
      read: async (bytes) => {
        const column = await openColumn(placed('one.parquet', bytes), 'x')
        return column ? rowsOf(columnRows(column)) : []
      },
    },
    'a recipe': {
      bytes: recipe,
      read: async (bytes) => {
        const { method, sizeOf } = readRecipe(placed('one.json', bytes))
        const stream = method.make(SHAPE, sizeOf(SHAPE as never, {} as never).options)
        stream.push(randomOf('recipe').block(20, SHAPE.d, SHAPE.dv, false))
        const { mass, sum } = stream.attend(randomOf('recipe').matrix(2, SHAPE.d))
        return [mass, sum.data]
      },
    },
  }
}

/** A table with one column of lists, the rows of a matrix. */
function listsOf({ rows, cols, data }: Matrix): Table {
  const child = makeData({ type: new Float32(), length: rows * cols, data })
  const type = new FixedSizeList(cols, new Field('item', new Float32()))
  const lists = makeData({ type, length: rows, child })
  const schema = new Schema([new Field('rows', type)])
  return new Table(
    schema,
    new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: rows, children: [lists] })),
  )
}

/** Entries of a decoded array, with 0 for NaN and infinities: decodeNpy returns them as the file has them, so they are no fault. */
function finite({ data }: { readonly data: ArrayLike<number | bigint> }): ArrayLike<number> {
  return Array.from(data, (x) => (Number.isFinite(Number(x)) ? Number(x) : 0))
}

/** A .npz archive with one array, stored. */
function stored(name: string, content: Uint8Array): Uint8Array {
  const title = Buffer.from(name)
  const crc = crcOf(content)
  const local = Buffer.alloc(30)
  local.writeUInt32LE(0x04034b50, 0)
  local.writeUInt16LE(20, 4)
  local.writeUInt32LE(crc, 14)
  local.writeUInt32LE(content.length, 18)
  local.writeUInt32LE(content.length, 22)
  local.writeUInt16LE(title.length, 26)
  const central = Buffer.alloc(46)
  central.writeUInt32LE(0x02014b50, 0)
  central.writeUInt16LE(20, 4)
  central.writeUInt16LE(20, 6)
  central.writeUInt32LE(crc, 16)
  central.writeUInt32LE(content.length, 20)
  central.writeUInt32LE(content.length, 24)
  central.writeUInt16LE(title.length, 28)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(central.length + title.length, 12)
  end.writeUInt32LE(local.length + title.length + content.length, 16)
  return new Uint8Array(Buffer.concat([local, title, content, central, title, end]))
}

const index = () =>
  new TextEncoder().encode(
    JSON.stringify({
      metadata: { total_size: 1920 },
      weight_map: { keys: 'part-1.safetensors', values: 'part-1.safetensors' },
    }),
  )

const recipe = () => {
  const method = catalogue.find(({ name }) => name === 'h2o')!
  return new TextEncoder().encode(
    JSON.stringify({ method: 'h2o', options: method.within(SHAPE, 3000, { tokens: 500 }), d: SHAPE.d, dv: SHAPE.dv }),
  )
}
