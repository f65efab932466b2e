/**
 * Computes the bytes of a budget: a number of bytes as it is, or a share such as '1/16' of the cache.
 *
 * @throws TypeError, RangeError when the budget is neither, or less than a byte
 */
export function budgetBytes(budget: string | number, cacheBytes: number): number {
  const [, part, whole] = typeof budget === 'string' ? (/^(\d{1,9})\/(\d{1,9})$/.exec(budget) ?? []) : []
  const isShare = part !== undefined && Number(whole) > 0
  if (!isShare && typeof budget !== 'number')
    throw new TypeError(`compare: budgets must be shares such as "1/16" or bytes, got ${JSON.stringify(budget)}`)
  const bytes = isShare ? Math.floor((cacheBytes * Number(part)) / Number(whole)) : Number(budget)
  if (!Number.isSafeInteger(bytes) || bytes < 1)
    throw new RangeError(`compare: budgets must be whole numbers of bytes >= 1, got ${budget} of ${cacheBytes} bytes`)
  return bytes
}
