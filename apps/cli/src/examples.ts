import type { Command } from 'commander'

const HEAD = 'q.npy k.npy v.npy'

/** Examples at the end of each page of help. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  attend: [
    `sublinear attend ${HEAD} --out o.npy --check`,
    `sublinear attend 'q.npy[2,0]' 'k.npy[2,0]' 'v.npy[2,0]' --out o.npy --stream window --budget 1/16`,
    `sublinear plan ${HEAD} --json > plan.json; sublinear attend ${HEAD} --out o.npy --recipe plan.json`,
  ],
  capture: [
    'sublinear capture --model ./my-model --text my-text.txt --tokens 4096 --out rows',
    'sublinear capture --model sharp --heads 1.0,1.1 --out rows; sublinear compare rows/queries.npy rows/keys.npy rows/values.npy',
  ],
  compare: [
    `sublinear compare ${HEAD} --budgets 1/4,1/16 --report report.html`,
    `sublinear compare ${HEAD} --streams window,snapKv,auto --stream ./mine.mjs`,
    'sublinear compare --model ./my-model --text my-text.txt --heads 0.0,5.1 --budgets 1/8',
  ],
  plan: [
    `sublinear plan ${HEAD} --epsilon 0.1`,
    `sublinear plan ${HEAD} --budget 65536 --json > plan.json`,
    'sublinear plan --model ./my-model --budget 1/8 --tokens 16384; sublinear chat --model ./my-model --recipes',
    'sublinear plan --radius 1 --d 32 --tokens 1000000',
  ],
  inspect: [`sublinear inspect ${HEAD}`, `sublinear inspect x.safetensors:q x.safetensors:k x.safetensors:v --json`],
  shard: [
    'sublinear shard plan.json --store shards --out root.safetensors',
    'sublinear shard plan.json --store redis://db --on redis://queue --out root.safetensors',
    'sublinear shard plan.json --store shards --shards 0-15',
  ],
  work: ['sublinear work --on redis://queue --store redis://db --concurrency 4'],
  merge: ['sublinear merge plan.json --store shards --out root.safetensors'],
  recover: [`sublinear recover ${HEAD} --rows 8`],
  read: [
    'sublinear read book.txt --ask falcon',
    'sublinear read book.txt --model ./my-model --stream auto --budget 1/8',
    "echo 'He said (remember falcon 4729) and went. (recall falcon' | sublinear read - --stream exact",
  ],
  needle: [
    'sublinear needle --streams exact,auto,snapKv --budgets 1/4,1/8 --resume needle.jsonl --report needle.html',
    'sublinear needle --models sharp --lengths 1k --contexts 5 --stream ./mine.mjs --streams window',
  ],
  perplexity: [
    'sublinear perplexity --streams exact,auto,snapKv --budgets 1/8',
    'sublinear perplexity --stream ./mine.mjs',
  ],
  generate: [
    'sublinear generate --model ./my-model --prompt "Once upon a time" --tokens 50',
    'sublinear generate book.txt --model ./my-model --stream window --budget 1/8 --temperature 0.7 --seed 2',
  ],
  chat: ['sublinear chat --model ./my-model --budget 1/8'],
  demo: ['sublinear demo', 'sublinear demo --streams window,closure,auto'],
  'new-stream': ['sublinear new-stream mine.mjs', `sublinear compare ${HEAD} --stream ./mine.mjs`],
  'new-sketch': ['sublinear new-sketch my-sketch'],
}

/** Adds examples below the help of a command, and its usage below errors of usage. */
export function withExamples(command: Command): Command {
  const lines = (EXAMPLES[command.name()] ?? []).map((line) => `  ${line}`)
  return command
    .addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
    .showHelpAfterError(`usage: sublinear ${command.name()} ${command.usage()}\n(add --help for options and examples)`)
}
