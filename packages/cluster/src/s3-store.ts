import { checkObject } from '@sublinear/core'
import { checkKey, requireIdentical, type Store } from './store'

/** The calls of the `S3` client of @aws-sdk/client-s3 (or of one that has them) that the store makes. */
export interface S3Calls {
  putObject(request: {
    Bucket: string
    Key: string
    Body: Uint8Array
    IfNoneMatch?: string | undefined
  }): Promise<unknown>
  getObject(request: {
    Bucket: string
    Key: string
  }): Promise<{ readonly Body?: { transformToByteArray(): Promise<Uint8Array> } | undefined }>
  headObject(request: { Bucket: string; Key: string }): Promise<unknown>
}

export interface S3StoreOptions {
  /** The client, or an object that calls one. */
  readonly client: S3Calls
  /** Name of the bucket, which must exist. */
  readonly bucket: string
  /** Text before every key. Default: none. */
  readonly prefix?: string | undefined
}

/**
 * Makes a store in a bucket of S3, or of a server with the same protocol. An object is put on the condition that there is none.
 *
 * Guarantee: where the server obeys `If-None-Match` (S3, R2 and MinIO do), an object is written once. Where it does not, two writers at the same moment may
 *   both be told 'new'; equal bytes do no harm then, and different bytes are noticed with the next put.
 */
export function s3Store(options: S3StoreOptions): Store {
  const { client, bucket: Bucket, prefix = '' } = checkObject('s3Store', options)
  const who = 's3Store'
  const named = (key: string) => {
    checkKey(who, key)
    return { Bucket, Key: `${prefix}${key}` }
  }
  const get = async (key: string) => {
    const found = await client.getObject(named(key)).catch(absent)
    return found?.Body?.transformToByteArray()
  }
  return {
    async put(key, bytes) {
      const before = await get(key)
      if (before) return requireIdentical(who, key, before, bytes)
      const isNew = await client.putObject({ ...named(key), Body: bytes, IfNoneMatch: '*' }).then(
        () => true,
        (error: unknown) => {
          if (statusOf(error) === 412 || statusOf(error) === 409) return false
          throw error
        },
      )
      if (isNew) return 'new'
      const there = await get(key)
      if (!there) throw new Error(`${who}: ${key} vanished while it was written`)
      return requireIdentical(who, key, there, bytes)
    },
    get,
    has: (key) =>
      client
        .headObject(named(key))
        .then(() => true, absent)
        .then(Boolean),
  }
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number | undefined } | undefined } | undefined)?.$metadata
    ?.httpStatusCode
}

function absent(error: unknown): undefined {
  if (statusOf(error) === 404) return undefined
  throw error
}
