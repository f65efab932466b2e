import type { Method, Pilot, Shape, Traffic } from '@sublinear/core'
import { MOST_DEGREE, taylorFeatures } from '@sublinear/poly-features'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { meanRow } from './mean-row'
import { streamName } from './methods'
import { withStreamList } from './stream-list'
import { wholeNumber } from './options'
import { bytesText } from './report'

/** Options --stream, --hold, --budget, --degree and --pilot. */
export interface SizeFlags {
  readonly stream: string
  readonly hold?: number
  readonly budget?: string | number
  readonly degree?: number
  readonly pilot: number
}

/** Number of tokens whose bytes are the budget by default. */
const HOLD = 256
const DEGREE = 2
/** Largest budget that is tried by doubling. */
const MOST_BYTES = 2 ** 40

/** Adds the options of a command that runs one method, and says how large it is. */
export function withSizedStream(command: Command, usual: string): Command {
  return withStreamList(command)
    .addOption(
      new Option(
        '--stream <name or file>',
        'the stream that remembers the tokens: a name (listed below), or a module of your own',
      )
        .argParser(streamName)
        .default(usual),
    )
    .option(
      '--hold <tokens>',
      `give each head the bytes of this many float32 tokens (default: ${HOLD}, the size that is needed, or the stream's own size)`,
      wholeNumber(1),
    )
    .option('--budget <bytes>', 'bytes for each head, or a share such as 1/16 of the float32 cache', budgetValue)
    .option(
      '--degree <g>',
      `taylor: the degree; memory grows as C(d + g, g) (default: ${DEGREE})`,
      wholeNumber(0, MOST_DEGREE),
    )
    .option(
      '--pilot <rows>',
      'read this many first rows ahead for methods that look at them, as taylor does for the mean key; answers before then depend on them (0: none)',
      wholeNumber(0),
      256,
    )
}

/** Parses a share of the cache, or a number of bytes. */
export function budgetValue(text: string): string | number {
  if (/^[1-9]\d{0,8}\/[1-9]\d{0,8}$/.test(text)) return text
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new InvalidArgumentError(`${text} must be a share such as 1/16, or a number of bytes.`)
}

export interface Sized {
  readonly options: object
  /** Numbers of the size for a report, beside the stream's name. */
  readonly details: Readonly<Record<string, number>>
}

/** Chooses the options of a method for one head. @throws RangeError when no such stream fits */
export type Sizing = (shape: Shape, traffic: Traffic, pilot?: Pilot) => Sized

/**
 * Decides the size of a method's streams from the flags: a degree, a budget, or, where neither is given, the size that is needed.
 *
 * @throws RangeError when flags contradict each other
 */
export function sizing(method: Method, flags: SizeFlags): Sizing {
  const { hold, budget, degree } = flags
  const isTaylor = method.name === 'taylor'
  if (degree !== undefined && !isTaylor) throw new RangeError(`--degree is for taylor, not for ${method.name}`)
  if ([hold, budget, degree].filter((size) => size !== undefined).length > 1)
    throw new RangeError('--hold, --budget and --degree all say how large the stream is: give one of them')
  if (isTaylor && hold === undefined && budget === undefined)
    return (shape, _, pilot) => taylorOf(shape, degree ?? DEGREE, pilot)
  return (shape, traffic, pilot) => {
    const token = 4 * (shape.d + shape.dv)
    if (method.name === 'exact') return { options: method.within(shape, Infinity, traffic)!, details: {} }
    if (hold === undefined && budget === undefined && method.usual) return { options: method.usual, details: {} }
    if (hold === undefined && budget === undefined) return needed(method, shape, HOLD * token, traffic, pilot)
    const bytes = hold === undefined ? budgetOf(budget!, token, traffic.tokens) : hold * token
    const options = method.within(shape, bytes, traffic, pilot)
    if (options) return { options, details: { budgetBytes: bytes, ...(hold !== undefined && { hold }) } }
    throw none(method, `${bytesText(bytes)} a head`, traffic)
  }
}

function taylorOf({ d, scale }: Shape, degree: number, pilot?: Pilot): Sized {
  const features = taylorFeatures({ d, degree, scale, ...(pilot && { centre: meanRow(pilot.keys) }) })
  return { options: { features: features.spec }, details: { degree } }
}

/** Finds the size that is needed: a budget, doubled from `least` on until a stream fits. */
function needed(method: Method, shape: Shape, least: number, traffic: Traffic, pilot?: Pilot): Sized {
  for (let budgetBytes = least; budgetBytes <= MOST_BYTES; budgetBytes *= 2) {
    const options = method.within(shape, budgetBytes, traffic, pilot)
    if (options) return { options, details: { budgetBytes } }
  }
  throw none(method, 'any budget', traffic)
}

/** The bytes of --budget. */
function budgetOf(budget: string | number, token: number, tokens: number): number {
  if (typeof budget === 'number') return budget
  if (tokens === Infinity)
    throw new RangeError(`--budget ${budget} is a share, but the length is not known: give bytes, --hold or --tokens`)
  const [part, whole] = budget.split('/').map(Number)
  return Math.max(1, Math.floor((tokens * token * part) / whole))
}

function none({ name, learns }: Method, where: string, { tokens }: Traffic): RangeError {
  const many = tokens === Infinity ? 'a length that is not known' : `${tokens} tokens`
  const hint = learns === 'pilot' ? ' and --pilot rows' : tokens === Infinity ? ' (it may need --tokens)' : ''
  return new RangeError(`--stream ${name}: none fits ${where} for ${many}${hint}`)
}
