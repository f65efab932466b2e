import { checkKey, requireIdentical, type Store } from './store'

/** The call of a pool or client of pg that the store makes. */
export interface PostgresCalls {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly Record<string, unknown>[] }>
}

/**
 * Makes a store in one table of PostgreSQL, through a pool of pg: `postgresStore(new Pool(…), { table })`. The table is made where it is missing; a row is inserted
 * where it is absent, in one statement.
 *
 * Cost: an artifact is a `bytea`, 1 GB at most.
 *
 * @param table  name of the table; default sublinear_artifacts
 * @throws RangeError when the table is no plain name
 */
export function postgresStore(
  pool: PostgresCalls,
  { table = 'sublinear_artifacts' }: { readonly table?: string | undefined } = {},
): Store {
  const who = 'postgresStore'
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(table)) throw new RangeError(`${who}: table must be a plain name, got ${table}`)
  let made: Promise<unknown> | undefined
  const query = async (text: string, values: unknown[]) => {
    made ??= pool
      .query(`create table if not exists ${table} (key text primary key, bytes bytea not null)`)
      .catch(async (error: unknown) => {
        // Where two make it at once, one of them is told that it exists.
        const { rows } = await pool.query('select to_regclass($1) as there', [table])
        if (rows[0]?.['there'] === null) throw error
      })
    await made.catch((error: unknown) => {
      made = undefined
      throw error
    })
    return (await pool.query(text, values)).rows
  }
  const get = async (key: string) => {
    checkKey(who, key)
    const rows = await query(`select bytes from ${table} where key = $1`, [key])
    return rows[0]?.['bytes'] as Uint8Array | undefined
  }
  return {
    async put(key, bytes) {
      checkKey(who, key)
      const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      const insert = `insert into ${table} (key, bytes) values ($1, $2) on conflict do nothing returning key`
      if ((await query(insert, [key, content])).length === 1) return 'new'
      const there = await get(key)
      if (!there) throw new Error(`${who}: ${key} vanished while it was written`)
      return requireIdentical(who, key, there, bytes)
    },
    get,
    async has(key) {
      checkKey(who, key)
      return (await query(`select 1 from ${table} where key = $1`, [key])).length === 1
    },
  }
}
