/** Writes arguments as one line for a shell. */
export function commandLine(args: readonly string[]): string {
  return ['sublinear', ...args.map(quoted)].join(' ')
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
