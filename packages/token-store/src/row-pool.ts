import { checkFits, readAnew } from '@sublinear/core'
import { learntGuesses, meansOf, missedBy } from './learnt-guesses'
import { UNIT } from './residual-tables'
import { MOST_CODE, rowCoder, type Priors } from './row-coder'
import { blankGuesses, UNLEARNT, type Guesses } from './row-guess'

const made = readAnew<RowPool, 'rows' | 'used'>()

/** Rows of a full block: as many must be read for one row, and a coder learns from as many. */
export const BLOCK = 64
/** Bytes of a block beside its codes: its rows and its length. */
const HEADER = 4
/** Factor above every number of rows of a block. */
const ROWS = 128
/** Bound above every mean distance of codes. */
const LARGEST_SIZE = 4_194_176 // 2 * MOST_CODE * UNIT

interface Block {
  readonly rows: number
  readonly bytes: Uint8Array
}

/** Rows of integers, entropy-coded in blocks of 64, within a fixed number of bytes; blocks are read one by one. */
export interface RowPool {
  readonly rows: number
  /** Bytes of the blocks, with their headers, and of the links. */
  readonly used: number
  /** Adds rows behind the others, as many as fit; `each` more bytes stay free for every row held. Returns how many it took. */
  append(codes: Int32Array, rows: number, each: number): number
  /**
   * Holds other rows instead, coded by their own means, which then go on. How they are guessed is learnt anew, or stays as it was where `some` of the same rows stay.
   * The caller must see whether they fit.
   */
  replace(codes: Int32Array, rows: number, some?: boolean): void
  /** Bytes that these rows would take in place of those held; rows that stand for `standing`, less what these share. */
  bytesOf(codes: Int32Array, rows: number, standing?: number): number
  /** The codes of all rows. */
  read(): Int32Array
  /** Gives the codes of the blocks in turn, some hundred rows at a time, valid until the next call of `give`. */
  visit(give: (codes: Int32Array, rows: number, from: number) => void): void
  /** Codes of all blocks; for each block its length and its number of rows, in one number; the means with which blocks begin; and how codes are guessed. */
  saved(): SavedPool
  /** Blocks and means, which pools may share. */
  held(): { readonly blocks: readonly Block[]; readonly priors: Priors }
  /** @throws RangeError when they are no blocks of full rows within the room. With `isSound` they are a pool's own, and their codes are not read. */
  restore(kind: string, saved: SavedPool, isSound?: boolean): void
}

interface SavedPool {
  readonly codes: Uint8Array
  readonly blocks: Uint32Array
  readonly priors: Uint32Array
  readonly guesses: Uint8Array
  readonly links: Uint8Array
}

/** Rows given at a time by `visit`. */
const AT_ONCE = 512 // of BLOCK, 8

/**
 * Makes a pool of `room` bytes for rows of `width` numbers: empty, or with the rows of another pool of this size.
 *
 * Guarantee: `used` is at most `room` after every append. Where a call ends never matters: a block that is not full is read, and written anew with the next rows.
 * Cost: the room; 8 bytes a coordinate for the means with which blocks begin. An append reads and writes one block more than it fills.
 */
export function rowPool({ width, room }: { readonly width: number; readonly room: number }, like?: RowPool): RowPool {
  const coder = rowCoder(width)
  const blank = (): Priors => ({ ...blankGuesses(width), size: new Uint32Array(width) })
  let priors = like?.held().priors ?? blank()
  let blocks = [...(like?.held().blocks ?? [])] // blocks and means are never written, only replaced
  let [count, used] = [like?.rows ?? 0, like?.used ?? 0]
  let own: Int32Array | undefined
  const opened = () => (own ??= new Int32Array(AT_ONCE * width))

  const decode = ({ rows, bytes }: Block, out: Int32Array, to: number): boolean =>
    coder.decode(bytes, rows, priors, out, to)
  const set = (others: Block[]) => {
    blocks = others
    used = blocks.reduce((sum, { bytes }) => sum + bytes.length + HEADER, linkBytes(priors))
    count = blocks.reduce((sum, { rows }) => sum + rows, 0)
  }
  const coded = (codes: Int32Array, rows: number, by: Priors): Block[] => {
    const out: Block[] = []
    for (let r = 0; r < rows; r += BLOCK) {
      const some = Math.min(BLOCK, rows - r)
      out.push({ rows: some, bytes: coder.encode(codes.subarray(r * width, (r + some) * width), some, by) })
    }
    return out
  }

  return made(
    {
      rows: () => count,
      used: () => used,
    },
    {
      append(codes, rows, each) {
        const scratch = opened()
        let done = 0
        while (done < rows) {
          const last = blocks.at(-1)
          const open = last && last.rows < BLOCK ? last : undefined
          const before = open?.rows ?? 0
          const some = Math.min(BLOCK - before, rows - done)
          if (open) decode(open, scratch, 0)
          scratch.set(codes.subarray(done * width, (done + some) * width), before * width)
          const ends: number[] = []
          let bytes = coder.encode(scratch, before + some, priors, ends)
          const others = used - (open ? open.bytes.length + HEADER : 0) + HEADER
          let fitting = some
          while (fitting > 0 && others + ends[before + fitting - 1] + each * (count + fitting) > room) fitting--
          if (fitting === 0) return done
          if (fitting < some) bytes = coder.encode(scratch, before + fitting, priors)
          if (open) blocks.pop()
          blocks.push({ rows: before + fitting, bytes })
          used = others + bytes.length
          count += fitting
          done += fitting
          if (fitting < some) return done
        }
        return done
      },
      replace(codes, rows, some = false) {
        const by = some && !isBlank(priors) ? priors : learntGuesses(codes, rows, width)
        priors = rows > 0 ? priorsOf(codes, rows, by) : blank()
        set(coded(codes, rows, priors))
      },
      bytesOf(codes, rows, standing = rows) {
        const by = priorsOf(codes, rows, learntGuesses(codes, rows, width, standing))
        const found = coded(codes, rows, by)
        return found.reduce((sum, { bytes }) => sum + bytes.length + HEADER, (linkBytes(by) * rows) / standing)
      },
      read() {
        const out = new Int32Array(count * width)
        let at = 0
        for (const block of blocks) {
          decode(block, out, at)
          at += block.rows * width
        }
        return out
      },
      visit(give) {
        const scratch = opened()
        let [rows, from] = [0, 0]
        for (const [i, block] of blocks.entries()) {
          decode(block, scratch, rows * width)
          rows += block.rows
          if (rows < AT_ONCE && i < blocks.length - 1) continue
          give(scratch, rows, from)
          from += rows
          rows = 0
        }
      },
      held: () => ({ blocks, priors }),
      saved() {
        const codes = new Uint8Array(blocks.reduce((sum, { bytes }) => sum + bytes.length, 0))
        let at = 0
        for (const { bytes } of blocks) {
          codes.set(bytes, at)
          at += bytes.length
        }
        return {
          codes,
          blocks: Uint32Array.from(blocks, ({ rows, bytes }) => bytes.length * ROWS + rows),
          priors: Uint32Array.from([...priors.mean].map((mean) => mean + MOST_CODE).concat([...priors.size])),
          guesses: Uint8Array.from(
            priors.follow,
            (shift, c) => shift + 8 * priors.power[c] + (priors.links[c] ? 128 : 0),
          ),
          links: Uint8Array.from(
            priors.links.flatMap((own) => [...(own ?? [])]),
            (one) => one + 128,
          ),
        }
      },
      restore(kind, { codes, blocks: heads, priors: given, guesses, links: linked }, isSound = false) {
        const found = Array.from(heads, (head) => ({ rows: head % ROWS, length: Math.floor(head / ROWS) }))
        const total = found.reduce((sum, { length }) => sum + length, 0)
        checkFits(kind, total === codes.length && total + HEADER * found.length <= room)
        for (const [i, { rows, length }] of found.entries())
          checkFits(kind, length >= 1 && rows >= 1 && (i < found.length - 1 ? rows === BLOCK : rows <= BLOCK))
        checkFits(
          kind,
          given.every((one, i) => one <= (i < width ? 2 * MOST_CODE : LARGEST_SIZE)),
        )
        const follow = guesses.map((one) => one & 7)
        const power = guesses.map((one) => (one >> 3) & 15)
        checkFits(
          kind,
          follow.every((shift) => shift <= 4),
        )
        let from = 0
        const links = Array.from(guesses, (one, c) => {
          if (one < 128) return undefined
          const own = linked.subarray(from, (from += c))
          return Int8Array.from(own, (link) => link - 128)
        })
        checkFits(kind, from === linked.length && total + HEADER * found.length + from <= room)
        priors = {
          mean: Int16Array.from(given.subarray(0, width), (one) => one - MOST_CODE),
          size: given.slice(width),
          follow,
          power,
          links,
        }
        let at = 0
        const others = found.map(({ rows, length }) => {
          const block = { rows, bytes: codes.slice(at, at + length) }
          at += length
          checkFits(kind, isSound || decode(block, opened(), 0))
          return block
        })
        set(others)
      },
    },
  )
}

/** Whether nothing has been learnt yet. */
const isBlank = ({ follow, power, links }: Guesses) =>
  follow.every((shift) => shift === UNLEARNT) && power.every((one) => one === 0) && !links.some(Boolean)

/** The bytes of links. */
const linkBytes = ({ links }: Guesses) => links.reduce((sum, own) => sum + (own?.length ?? 0), 0)

/** Means of rows, and mean distances from their guesses. */
function priorsOf(codes: Int32Array, rows: number, by: Guesses): Priors {
  const own = { ...by, mean: meansOf(codes, rows, by.mean.length) }
  const missed = missedBy(codes, rows, own)
  return { ...own, size: Uint32Array.from(missed, (sum) => Math.round((UNIT * sum) / Math.max(1, rows))) }
}
