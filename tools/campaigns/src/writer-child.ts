import './sources.ts'

// Writes a file again and again, two contents in turn, until it is killed: `node writer-child.ts writer path [once]`.
const [writer, path, once] = process.argv.slice(2)
const { contents } = await import('./writers.ts')
const { writeRows, writeWhole } = await import('@sublinear/io/node')
const { old, fresh, rows } = contents()
const write: Record<string, (turn: number) => Promise<void>> = {
  async writeRows(turn) {
    const out = await writeRows(path, 8)
    for (let i = 0; i < 12; i++) await out.write(rows(turn % 2 === 0 ? 1 : 2, i))
    await out.close()
  },
  writeWhole: (turn) => writeWhole(path, turn % 2 === 0 ? old : fresh),
}
process.stdout.write('ready\n')
for (let turn = 1; ; turn++) {
  await write[writer](turn)
  if (once) break
}
