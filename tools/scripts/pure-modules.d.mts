import type { Plugin } from 'esbuild'
export const pureModules: Plugin
export function withPureConstants(text: string): string
