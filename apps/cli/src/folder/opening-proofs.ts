import { writeWhole } from '@sublinear/io/node'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Proofs of openings that passed the check, as they lie beside a model. */
export interface OpeningProofs {
  /** The proof that was kept under a name. */
  get(name: string): string | undefined
  /** Keeps a proof for later commands. Where the folder cannot be written nothing is kept: the next command checks again. */
  keep(name: string, proof: string | undefined): Promise<void>
}

const KIND = 'sublinear openings'
const VERSION = 1

/** Opens the proofs in a model's folder; a file that is missing, or none of them, holds no proofs. */
export function openingProofs(folder: string): OpeningProofs {
  const path = join(folder, 'sublinear-openings.json')
  const proofs = proofsIn(path)
  return {
    get: (name) => proofs.get(name),
    async keep(name, proof) {
      if (proof === undefined || proof === proofs.get(name)) return
      proofs.set(name, proof)
      const file = { kind: KIND, version: VERSION, proofs: Object.fromEntries(proofs) }
      await writeWhole(path, `${JSON.stringify(file, null, 1)}\n`).catch(() => {}) // the command does not need it
    },
  }
}

function proofsIn(path: string): Map<string, string> {
  try {
    const { kind, version, proofs } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
    if (kind !== KIND || version !== VERSION) return new Map()
    return new Map(Object.entries(proofs as object).filter((pair) => typeof pair[1] === 'string'))
  } catch {
    return new Map()
  }
}
