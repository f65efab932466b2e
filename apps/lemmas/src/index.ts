export { count, together, type Count } from './count.ts'
export { lemmaView, verdict, type LemmaView } from './lemma-view.ts'
export { settingsOf, written, type Control, type Settings, type Statement } from './statement.ts'
export { statementOf, statements } from './statements/index.ts'
