import type { Method } from '@sublinear/core'

/** Every file of docs/methods by its name, for a list of methods. */
export function methodFiles(methods: readonly Method[]): Record<string, string>
