import { BaseSequencer } from 'vitest/node'

export default class LongestFirst extends BaseSequencer {}
/** Files by project, the longest first; projects by their longest file. */
export function inOrder<File extends { readonly project: string; readonly seconds: number }>(
  files: readonly File[],
): File[]
