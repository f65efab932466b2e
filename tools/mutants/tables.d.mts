export const PAGE: string
export function statements(): string
export function faults(): string
export function misses(): string
export function withTables(text: string): string
export function writeTables(): void
