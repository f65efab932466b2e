import { createHash } from 'node:crypto'
import {
  createReadStream,
  createWriteStream,
  lstatSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Called with the bytes fetched so far, and the total where the server gives it. */
  readonly onProgress?: ((bytes: number, total?: number) => void) | undefined
  /** Most bytes of the file. */
  readonly mostBytes: number
  /** SHA-256 in hexadecimal that the file must have. Default: the one that the server gives, if any. */
  readonly sha256?: string | undefined
}

/**
 * Downloads a file: into a part beside `path`, from where an earlier try ended; when length and checksum are right, the part is moved to `path`.
 *
 * Guarantee: at `path` there is nothing or the whole file.
 *
 * @param path  place of the file; its folder must exist
 * @returns false where the server has no such file
 * @throws Error that names the address: no answer, another length than was announced, another checksum, more than `mostBytes`. The part then stays for the
 *   next try, unless the part itself is wrong
 */
export async function download(url: URL, path: string, options: DownloadOptions): Promise<boolean> {
  const part = `${path}.part`
  const tag = `${part}-tag` // the version of the file to which the part belongs
  const [had, version] = [plainSize(part), plainSize(tag) > 0 ? readFileSync(tag, 'utf8') : undefined]
  const { signal, headers = {}, mostBytes, onProgress } = options
  const range = had > 0 && version !== undefined ? { range: `bytes=${had}-`, 'if-range': version } : {}
  const answer = await fetch(url, { headers: { ...headers, ...range }, ...(signal && { signal }) }).catch(
    (cause: unknown) => {
      throw failed(url, signal?.aborted ? 'was interrupted' : 'does not answer', cause)
    },
  )
  if (answer.status === 404) return false
  if (answer.status === 416 && version !== undefined) {
    await answer.body?.cancel()
    rmSync(part, { force: true }) // longer than the file, or a part of another file
    rmSync(tag)
    return download(url, path, options)
  }
  const from = answer.status === 206 ? startOf(answer) : 0
  if (!answer.ok || !answer.body || (from !== 0 && from !== had)) throw failed(url, `answers ${answer.status}`)
  const said = answer.headers.get('content-length')
  const isCoded = answer.headers.get('content-encoding') !== null
  const total = said === null || isCoded ? undefined : from + Number(said)
  if (total !== undefined && total > mostBytes) throw failed(url, `has ${total} bytes, more than ${mostBytes}`)

  let bytes = from
  const counted = new Transform({
    transform(chunk: Uint8Array, _, done) {
      bytes += chunk.length
      if (bytes > Math.min(mostBytes, total ?? Infinity))
        return done(failed(url, `sends more than ${total ?? mostBytes} bytes`))
      onProgress?.(bytes, total)
      done(null, chunk)
    },
  })
  const etag = answer.headers.get('etag')
  if (from === 0) {
    if (etag !== null && !etag.startsWith('W/')) writeFileSync(tag, etag)
    else rmSync(tag, { force: true })
  }
  const file = createWriteStream(part, { flags: from > 0 ? 'a' : 'w' })
  await pipeline(Readable.fromWeb(answer.body as ReadableStream), counted, file, ...(signal ? [{ signal }] : [])).catch(
    (cause: unknown) => {
      throw cause instanceof Error && cause.message.startsWith(String(url)) ? cause : failed(url, 'broke off', cause)
    },
  )
  if (total !== undefined && bytes !== total) throw failed(url, `sent ${bytes} bytes of ${total}`)
  const wanted = options.sha256 ?? checksumOf(answer)
  if (wanted !== undefined && (await sha256Of(part)) !== wanted) {
    rmSync(part)
    rmSync(tag, { force: true })
    throw failed(url, 'has another SHA-256 than it should have')
  }
  rmSync(tag, { force: true })
  renameSync(part, path)
  return true
}

/** The size of a file in bytes; 0 where there is none. @throws Error when it is a link or no regular file */
function plainSize(path: string): number {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found && !found.isFile()) throw new Error(`${path} is no plain file`)
  return found?.size ?? 0
}

/** The byte at which a part begins, from its content-range; −1 where there is none. */
function startOf({ headers }: Response): number {
  const [, start] = /^bytes (\d+)-/.exec(headers.get('content-range') ?? '') ?? []
  return start === undefined ? -1 : Number(start)
}

/** The SHA-256 of a large file as hubs give it: its etag, 64 digits in quotes. */
function checksumOf({ headers }: Response): string | undefined {
  const text = headers.get('x-linked-etag') ?? headers.get('etag') ?? ''
  return /^(?:W\/)?"?([0-9a-f]{64})"?$/.exec(text)?.[1]
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}

function failed(url: URL, what: string, cause?: unknown): Error {
  return new Error(`${String(url)} ${what}`, cause === undefined ? {} : { cause })
}
