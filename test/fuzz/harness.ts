import type { Code } from '../../library/src/errors.ts'
import { isL402Error } from '../../library/src/errors.ts'

/** Cases per target: a million in `npm test`, fewer while a file is being worked on. */
const cases = Number(process.env['SATWAY_FUZZ_CASES'] ?? 20_000)
/** The seed of a run is printed with every finding; setting it repeats the run. */
const runSeed = Number(process.env['SATWAY_FUZZ_SEED'] ?? 402)

/** No input may keep a reader busy longer than this. Generous: the machine may be loaded. */
const maxCaseMs = 250

export type FuzzTarget<Input> = {
  readonly name: string
  /** Valid inputs to start from: mutants of these reach deeper than noise does. */
  readonly seeds: readonly Input[]
  /** Bits of grammar that mutation may insert. */
  readonly words?: readonly Input[]
  /** Reads the input; what it returns is checked by `holds`. */
  readonly read: (input: Input) => unknown
  /** The codes that the reader may refuse with. Empty: the reader is total. */
  readonly codes: readonly Code[]
  /** What must be true of an accepted input, for example a round trip. Throws otherwise. */
  readonly holds?: (input: Input, result: unknown) => void
}

/** What a run saw; a test asserts on it, so that a fuzzer that never gets in is noticed. */
export type FuzzReport = {
  readonly cases: number
  readonly accepted: number
  readonly refused: number
}

export function fuzzText(target: FuzzTarget<string>): FuzzReport {
  return run(target, mutateText, (input) => JSON.stringify(input))
}

export function fuzzBytes(target: FuzzTarget<Uint8Array>): FuzzReport {
  return run(target, mutateBytes, (input) => Buffer.from(input).toString('hex'))
}

function run<Input>(
  target: FuzzTarget<Input>,
  mutate: (seeds: readonly Input[], words: readonly Input[], random: Random) => Input,
  show: (input: Input) => string,
): FuzzReport {
  const random = createRandom(runSeed)
  let accepted = 0
  let refused = 0
  for (let i = 0; i < cases; i++) {
    const input =
      i < target.seeds.length ? target.seeds[i]! : mutate(target.seeds, target.words ?? [], random)
    const started = performance.now()
    try {
      const result = target.read(input)
      target.holds?.(input, result)
      accepted++
    } catch (error) {
      if (!isL402Error(error) || !target.codes.includes(error.code)) {
        throw new Error(
          `${target.name}: case ${i} of seed ${runSeed} broke the reader with ${show(input).slice(0, 2000)}`,
          { cause: error },
        )
      }
      refused++
    }
    let took = performance.now() - started
    // The machine may have been busy elsewhere: an input is slow only if it is slow each time.
    for (let again = 0; took > maxCaseMs && again < 3; again++) took = timeOf(target, input)
    if (took > maxCaseMs) {
      throw new Error(
        `${target.name}: case ${i} took ${took.toFixed(0)} ms: ${show(input).slice(0, 2000)}`,
      )
    }
  }
  return { cases, accepted, refused }
}

function timeOf<Input>(target: FuzzTarget<Input>, input: Input): number {
  const started = performance.now()
  try {
    target.read(input)
  } catch {
    // Its verdict was judged already.
  }
  return performance.now() - started
}

/** A number from 0 up to, and without, `below`. */
type Random = (below: number) => number

/** xorshift32: small, seeded, and the same on every machine. */
function createRandom(seed: number): Random {
  let state = seed | 0 || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

const strangeCharacters = [
  '\0',
  '\n',
  '\r',
  '\t',
  ' ',
  '"',
  '\\',
  "'",
  ',',
  '=',
  ':',
  ';',
  '%',
  'é',
  '\u202e',
  '😀',
  '\ud800',
]

function mutateText(seeds: readonly string[], words: readonly string[], random: Random): string {
  let text = seeds[random(seeds.length)]!
  const rounds = 1 + random(4)
  for (let i = 0; i < rounds; i++) {
    const at = random(text.length + 1)
    const end = Math.min(text.length, at + 1 + random(16))
    switch (random(9)) {
      case 0:
        text = text.slice(0, at) + text.slice(end)
        break
      case 1:
        text = text.slice(0, at)
        break
      case 2:
        text = text.slice(0, at) + text.slice(at, end).repeat(1 + random(4)) + text.slice(end)
        break
      case 3:
        text = text.slice(0, at) + String.fromCharCode(32 + random(95)) + text.slice(at + 1)
        break
      case 4:
        text =
          text.slice(0, at) + strangeCharacters[random(strangeCharacters.length)]! + text.slice(at)
        break
      case 5: {
        const other = seeds[random(seeds.length)]!
        text = text.slice(0, at) + other.slice(random(other.length + 1))
        break
      }
      case 6:
        if (words.length > 0)
          text = text.slice(0, at) + words[random(words.length)]! + text.slice(at)
        break
      case 7:
        text = random(2) === 0 ? text.toUpperCase() : text.toLowerCase()
        break
      default:
        if (random(200) === 0) text = text + text.slice(at, end).repeat(2000)
    }
  }
  return text
}

function mutateBytes(
  seeds: readonly Uint8Array[],
  words: readonly Uint8Array[],
  random: Random,
): Uint8Array {
  let bytes = [...seeds[random(seeds.length)]!]
  const rounds = 1 + random(4)
  for (let i = 0; i < rounds; i++) {
    const at = random(bytes.length + 1)
    const end = Math.min(bytes.length, at + 1 + random(16))
    switch (random(7)) {
      case 0:
        bytes.splice(at, end - at)
        break
      case 1:
        bytes.length = at
        break
      case 2:
        bytes.splice(at, 0, ...bytes.slice(at, end))
        break
      case 3:
        if (at < bytes.length) bytes[at] = random(256)
        break
      case 4:
        if (at < bytes.length) bytes[at]! ^= 1 << random(8)
        break
      case 5: {
        const other = seeds[random(seeds.length)]!
        bytes = [...bytes.slice(0, at), ...other.slice(random(other.length + 1))]
        break
      }
      default:
        if (words.length > 0) bytes.splice(at, 0, ...words[random(words.length)]!)
    }
  }
  return Uint8Array.from(bytes)
}
