export { bitsOfWindow, bitsPerByte, windowReads, windowStarts, type Bits, type BitsOptions } from './bits-per-byte'
export { capture, type CapturedHead, type CaptureOptions } from './capture'
export type { ModelConfig } from './config'
export { generate, largest, type GenerateOptions } from './generate'
export {
  advisedStreams,
  headStreams,
  specOf,
  type HeadAdvice,
  type HeadStreamsOptions,
  type ModelAdvice,
} from './head-streams'
export { languageModel, type LanguageModel } from './language-model'
export { logits, type LogitsOptions } from './logits'
export { needlePrompt, type NeedlePrompt, type NeedlePromptOptions, type PromptTokenizer } from './needle-prompt'
export { needleReads, needles, needleTrial, type NeedleCell, type NeedlesOptions, type Recall } from './needles'
export { mcnemar, signFlips } from './paired-tests'
export { reader, unrotated, type HeadBlock, type HeadSpec, type Reader, type ReaderOptions } from './reader'
export { readThrough, readThroughLater, type Read, type Reads } from './reads'
export {
  readText,
  readTextThrough,
  type Answer,
  type Reading,
  type ReadTextOptions,
  type ReadTextThroughOptions,
  type TextReader,
  type TextSource,
  type TextTokenizer,
} from './read-text'
export { answerText, KEY_WORDS, needleText, questionText } from './recall-task'
export { speculative, type Speculated, type SpeculativeOptions } from './speculative'
export { tokenizer, type Encoder, type Tokenizer } from './tokenizer'
