import { checkObject } from '@sublinear/core'
import { kernels } from '@sublinear/kernels'
import { createHash } from 'node:crypto'
import { version } from '../package.json'
import type { ShardPlan } from './plan'

/** The name of everything on which a plan's bits depend beside the plan: kernels that sum in another order give other bits, and so may another version. */
export function engineOf(): string {
  return `${kernels().name} ${version}`
}

/** SHA-256 of bytes or a text, in hexadecimal. */
export function digestOf(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex')
}

/** The name of a plan on an engine (default: this one), under which its artifacts are stored: 32 hexadecimal digits. */
export function planKey(plan: ShardPlan, engine: string = engineOf()): string {
  checkObject('planKey', plan, 'plan')
  const { blockRows: _, ...defining } = plan
  return digestOf(canonical({ engine, plan: defining })).slice(0, 32)
}

/** Writes JSON with the names of every object in order, so that equal plans are equal texts. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
  })
}
