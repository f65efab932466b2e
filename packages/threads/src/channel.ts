import type { Given } from '@sublinear/core'
/** Places in the control block, an Int32Array over shared memory. A request raises a number; the other side answers by raising another to the same value. */
const ASKED = 0
const DONE = 1
const COMMAND = 2
const LAYER = 3
const ROWS = 4
const QUERY_ROWS = 5
const WEIGHTED = 6
const STATUS = 7
const LENGTH = 8
const WORK = 9
const WORDS = 16

/** The calls that a thread answers. A call that may refuse is asked first by `check…`, and done after it with the same arguments. */
export const COMMANDS = [
  'pause',
  'open',
  'checkPush',
  'push',
  'checkStep',
  'step',
  'attend',
  'checkMerge',
  'merge',
  'save',
  'fork',
  'reset',
  'checkTakeBack',
  'takeBack',
  'state',
  'close',
] as const
export type Command = (typeof COMMANDS)[number]

const FINE = 0
const FAILED = 1
const TOO_LONG = 2

/** Memory that both sides see: the control block, and the arrays of one call. */
export interface Memory {
  readonly control: SharedArrayBuffer
  readonly payload: SharedArrayBuffer
}

/** One call: the number of its layer, and the sizes from which both sides know where everything lies in the payload. */
export interface Request {
  readonly command: Command
  readonly layer: number
  readonly rows?: number | undefined
  readonly queryRows?: number | undefined
  readonly isWeighted?: boolean | undefined
}

/** An answer: how many bytes it takes in the payload, or would take where they do not fit. */
export interface Reply {
  readonly length: number
  readonly fits?: boolean | undefined
}

export function newMemory(bytes: number): Memory {
  return { control: new SharedArrayBuffer(WORDS * 4), payload: new SharedArrayBuffer(bytes) }
}

/** The asking side. It makes one call at a time; `start` and `wait` are separate, so that this thread can work while the other does. */
export interface Caller {
  start(request: Request): void
  /**
   * Waits for the answer: spins first, then sleeps where the host lets this thread sleep. @throws the error of the other side; Error when that is
   * silent for `patience` ms
   */
  wait(): Reply
  /** Milliseconds of work that the last answer took on the other side. */
  readonly work: number
}

/** How long a waiting side spins before it sleeps, in ms. */
export interface Waiting {
  readonly spin: number
  readonly patience: number
}

export function caller(
  who: string,
  payload: () => SharedArrayBuffer,
  shared: SharedArrayBuffer,
  waiting: Waiting,
): Caller {
  const control = new Int32Array(shared)
  let canSleep = true
  const isOpen = () => Atomics.load(control, DONE) !== control[ASKED]
  const sleep = () => {
    try {
      if (canSleep) Atomics.wait(control, DONE, (control[ASKED] - 1) | 0, 20)
    } catch {
      canSleep = false // the main thread of a page may not sleep
    }
  }
  return {
    start({ command, layer, rows = 0, queryRows = 0, isWeighted = false }) {
      control[COMMAND] = COMMANDS.indexOf(command)
      control[LAYER] = layer
      control[ROWS] = rows
      control[QUERY_ROWS] = queryRows
      control[WEIGHTED] = Number(isWeighted)
      Atomics.add(control, ASKED, 1)
      Atomics.notify(control, ASKED)
    },
    wait() {
      const began = performance.now()
      spinWhile(isOpen, waiting.spin)
      while (isOpen()) {
        sleep()
        if (performance.now() - began > waiting.patience)
          throw new Error(`${who}: a thread has been silent for ${waiting.patience} ms`)
      }
      if (control[STATUS] === FAILED) throw errorIn(new Uint8Array(payload(), 0, control[LENGTH]).slice())
      return { length: control[LENGTH], fits: control[STATUS] !== TOO_LONG }
    },
    get work() {
      return control[WORK] / 1000
    },
  }
}

/**
 * Answers requests until one is `pause`: the thread then goes back to its event loop, where a message can reach it.
 *
 * @param answer  makes the reply to a request; an error that it throws is thrown on the other side
 */
export function serve(
  { control: shared, payload }: Memory,
  { spin }: Pick<Waiting, 'spin'>,
  answer: (request: Given<Request>) => Reply,
): void {
  const control = new Int32Array(shared)
  for (;;) {
    const seen = control[DONE]
    const isIdle = () => Atomics.load(control, ASKED) === seen
    spinWhile(isIdle, spin)
    while (isIdle()) Atomics.wait(control, ASKED, seen)
    const began = performance.now()
    const command = COMMANDS[control[COMMAND]]
    const request: Given<Request> = {
      command,
      layer: control[LAYER],
      rows: control[ROWS],
      queryRows: control[QUERY_ROWS],
      isWeighted: control[WEIGHTED] === 1,
    }
    try {
      const { length, fits = true } = command === 'pause' ? { length: 0 } : answer(request)
      control[STATUS] = fits ? FINE : TOO_LONG
      control[LENGTH] = length
    } catch (error) {
      const bytes = bytesOf(error)
      new Uint8Array(payload).set(bytes)
      control[STATUS] = FAILED
      control[LENGTH] = bytes.length
    }
    control[WORK] = Math.round((performance.now() - began) * 1000)
    Atomics.store(control, DONE, control[ASKED])
    Atomics.notify(control, DONE)
    if (command === 'pause') return
  }
}

function spinWhile(holds: () => boolean, ms: number): void {
  const until = performance.now() + ms
  do {
    for (let i = 0; i < 64; i++) if (!holds()) return
  } while (performance.now() < until)
}

const KINDS = { TypeError, RangeError }

function bytesOf(error: unknown): Uint8Array {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) }
  return new TextEncoder().encode(JSON.stringify({ name, message: message.slice(0, 4000) }))
}

function errorIn(bytes: Uint8Array): Error {
  const { name, message } = JSON.parse(new TextDecoder().decode(bytes)) as Record<'name' | 'message', string>
  return Object.hasOwn(KINDS, name) ? new KINDS[name as keyof typeof KINDS](message) : new Error(message)
}
