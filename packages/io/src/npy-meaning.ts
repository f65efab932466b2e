const KINDS: Readonly<Record<string, string>> = { i: 'int', u: 'uint', f: 'float', c: 'complex' }

/**
 * Explains a fault of a .npy file to the person who made the file: what it means and what to do, then where it was found.
 *
 * @param begin  the first bytes of the file
 */
export function meaningOf(fault: RangeError, begin: Uint8Array): RangeError {
  const meaning = begin.length === 0 ? 'is empty' : meant(fault.message, begin)
  return new RangeError(`${meaning} (${fault.message})`, { cause: fault })
}

function meant(message: string, begin: Uint8Array): string {
  const [, what, rest] = /^npy: ([a-z_ ]+?) at byte \d+: (.*)$/s.exec(message) ?? []
  if (what === 'magic') return isZip(begin) ? ARCHIVE : 'is not a .npy file'
  if (what === 'version') return 'is a .npy file of a version that is not read'
  if (what === 'descr') return elementMeant(/found "(.*)"$/s.exec(rest)?.[1])
  if (what !== 'data') return 'is a .npy file with a damaged header'
  const [, expected, found] = /^expected (\d+) bytes .* found (\d+)$/s.exec(rest) ?? []
  return Number(found) < Number(expected) ? 'is cut short' : 'is longer than its header says'
}

/** Says which numpy type a file has that cannot be read. */
function elementMeant(descr = ''): string {
  const [, kind, size] = /^[<>|=]?([a-zA-Z])(\d*)/.exec(descr) ?? []
  const save = "save x.astype('float32')"
  if (kind === 'V' && size === '2') {
    return 'holds two bytes of no type: say { bfloat16: true } (on the command line x.npy:bfloat16) if they are that'
  }
  if (kind === 'c') return "holds complex numbers, which are not read: save x.real.astype('float32'), or np.abs(x)"
  if (kind !== undefined && KINDS[kind])
    return `holds ${KINDS[kind]}${8 * Number(size)} numbers, which are not read: ${save}`
  return 'holds no plain numbers: save an array of float32'
}

/** Whether bytes begin a zip archive, which an .npz file is. */
export const isZip = (begin: Uint8Array) => begin[0] === 0x50 && begin[1] === 0x4b

const ARCHIVE = 'is a .npz archive: name it so, and its array, as x.npz:key on the command line'
