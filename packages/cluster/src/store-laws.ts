import assert from 'node:assert/strict'
import type { Law, LawResult } from './law'
import type { Store } from './store'

const bytes = (...list: number[]) => Uint8Array.from(list)
const held: LawResult = { landed: [] }

/**
 * Makes the laws of a store: a key is written once, or again with the same bytes, and whole, whoever writes.
 *
 * @param make  makes an empty store, or one whose keys nobody else uses; called once for each law
 */
export function storeLaws({
  name,
  make,
  oneWins = true,
}: {
  readonly name: string
  readonly make: () => Store | Promise<Store>
  /**
   * Whether one of two writers of different bytes at the same moment must be refused. Default true; false where the store's documentation says that
   * both may be told 'new'.
   */
  readonly oneWins?: boolean | undefined
}): readonly Law[] {
  const law = (what: string, kills: readonly string[], hold: (store: Store) => Promise<void>): Law => ({
    name: `${name}: ${what}`,
    kills,
    async run() {
      await hold(await make())
      return held
    },
  })
  return [
    law(
      'holds what it is given',
      ['an artifact without bytes taken for none', 'keys that share bytes'],
      async (store) => {
        assert.equal(await store.get('k/0.1'), undefined)
        assert.equal(await store.has('k/0.1'), false)
        assert.equal(await store.put('k/0.1', bytes(1, 0, 255)), 'new')
        assert.equal(await store.put('k/0.2', bytes()), 'new')
        assert.deepEqual([...((await store.get('k/0.1')) ?? [])], [1, 0, 255])
        assert.equal((await store.get('k/0.2'))?.length, 0)
        assert.deepEqual([await store.has('k/0.1'), await store.has('k/0.2')], [true, true])
        assert.equal(await store.has('k/0.3'), false)
      },
    ),
    law(
      'writes a key once, or the same',
      ['a second content that is taken', 'the same that is refused'],
      async (store) => {
        assert.equal(await store.put('once', bytes(1, 2)), 'new')
        assert.equal(await store.put('once', bytes(1, 2)), 'same')
        for (const other of [bytes(1, 3), bytes(1), bytes(1, 2, 0), bytes()])
          await assert.rejects(store.put('once', other), RangeError)
        assert.deepEqual([...((await store.get('once')) ?? [])], [1, 2])
      },
    ),
    law('keeps bytes of its own', ['an array that is still the caller’s'], async (store) => {
      const given = bytes(1, 2, 3)
      await store.put('own', given)
      given[0] = 9
      const taken = await store.get('own')
      assert.deepEqual([...(taken ?? [])], [1, 2, 3])
      if (taken) taken[1] = 9
      assert.deepEqual([...((await store.get('own')) ?? [])], [1, 2, 3])
    }),
    law('holds large artifacts whole', ['bytes that are cut off or changed on the way'], async (store) => {
      const large = new Uint8Array(3_000_000).map((_, i) => (i * 7919) % 251)
      assert.equal(await store.put('large', large), 'new')
      const found = await store.get('large')
      assert.ok(found && Buffer.compare(found, large) === 0, 'a large artifact came back otherwise')
    }),
    law(
      'lets one of many writers win',
      ['two contents that were both taken', 'a writer who is told wrongly'],
      async (store) => {
        const same = await Promise.all(Array.from({ length: 6 }, () => store.put('race', bytes(7))))
        assert.ok(same.includes('new'))
        if (!oneWins) return
        const put = await Promise.allSettled(Array.from({ length: 6 }, (_, i) => store.put('part', bytes(i))))
        const [there] = (await store.get('part')) ?? []
        const won = put.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []))
        assert.deepEqual(won, [there])
        for (const one of put) if (one.status === 'rejected') assert.ok(one.reason instanceof RangeError)
      },
    ),
    law('refuses names that are no keys', ['a key that leaves its folder'], async (store) => {
      for (const key of ['', '../up', 'a/../b', '/root', 'a//b', 'a b']) {
        await assert.rejects(store.put(key, bytes(1)), RangeError)
        await assert.rejects(store.get(key), RangeError)
      }
    }),
  ]
}
