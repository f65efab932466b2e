import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeRows } from '@sublinear/io/node'
import { childScript, peakMemory } from '../child.ts'
import { attentionModel } from '../peers/onnx-model.ts'
import { normalMatrix } from '../random.ts'
import type { Case, Group, Suite } from '../suite.ts'

const MB = { name: 'MB' } as const

export const suite: Suite = {
  name: 'memory',
  rounds: 3,
  groups: () => [
    {
      name: 'exact attention, causal, n = 65536, d = 64',
      unit: MB,
      cases: [peak('Node alone', 'nothing'), peak('@sublinear/exact-attention', 'exact-attention', 65536, 64)],
    },
    {
      name: 'exact attention, n = 16384, d = 64',
      unit: MB,
      cases: [
        peak('onnxruntime-node, causal', 'onnxruntime', 16384, 64, model(64, true)),
        peak('onnxruntime-node, full', 'onnxruntime', 16384, 64, model(64, false)),
        peak('@sublinear/exact-attention, causal', 'exact-attention', 16384, 64),
      ],
    },
    attendFiles(32),
  ],
}

function peak(name: string, script: string, ...args: (string | number)[]): Case {
  return { name, setup: () => ({ measure: () => peakMemory(childScript(script), ...args) }) }
}

function model(d: number, causal: boolean): string {
  return Buffer.from(attentionModel(1 / Math.sqrt(d), causal)).toString('base64')
}

/** `sublinear attend`, causal, with a feature stream of degree 2, over generated .npy files. */
function attendFiles(d: number): Group {
  const folder = mkdtempSync(join(tmpdir(), 'sublinear-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  process.once('SIGINT', () => process.exit(130))
  const attend = (rows: number): Case => ({
    name: `n = ${rows}`,
    setup: async () => {
      const files: string[] = []
      for (const name of ['queries', 'keys', 'values']) {
        const path = join(folder, `${name}-${rows}.npy`)
        await writeNormals(path, rows, d, files.length)
        files.push(`--${name}`, path)
      }
      const command = fileURLToPath(new URL('bin/sublinear.mjs', import.meta.resolve('@sublinear/cli/package.json')))
      const out = join(folder, 'out.npy')
      return { measure: () => peakMemory(command, 'attend', ...files, '--out', out, '--degree', 2, '--quiet') }
    },
  })
  return { name: `sublinear attend over files, d = ${d}`, unit: MB, cases: [attend(10_000), attend(1_000_000)] }
}

/** Writes rows of normal numbers, which repeat after the first block: memory does not depend on what they are. */
async function writeNormals(path: string, rows: number, cols: number, seed: number): Promise<void> {
  const block = normalMatrix(10_000, cols, seed)
  const file = await writeRows(path, cols)
  for (let row = 0; row < rows; row += block.rows) await file.write(block)
  await file.close()
}
