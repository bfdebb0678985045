import type { Flag, Given } from '../cli/command.ts'
import { UsageMistake } from '../cli/failure.ts'
import { readData } from './data.ts'

type Flags = Readonly<Record<string, Flag>>

/** What `--params` says, in the words of the command line. */
type Params = {
  readonly url: string | undefined
  /** Flags that take a value. */
  readonly texts: ReadonlyMap<string, readonly string[]>
  /** Flags that take none, and whether they are given. */
  readonly switches: ReadonlyMap<string, boolean>
}

/** Names in which the object differs from the flags: one takes an object, the other is the usual word. */
const names: Readonly<Record<string, string>> = { method: 'request', headers: 'header' }

/**
 * The command line with `--params` read into it, as if everything had been given as flags.
 *
 * @throws {UsageMistake} for a key that is no flag, a value of the wrong kind, and for what the flags
 *   say otherwise.
 */
export async function withParams(flags: Flags, given: Given): Promise<Given> {
  const text = given.text('params')
  if (text === undefined) return given
  if (text === '@-' && given.text('data') === '@-') {
    throw new UsageMistake('--params and --data cannot both be standard input')
  }
  const bytes = await readData('params', text)
  return merge(given, readParams(flags, new TextDecoder().decode(bytes)))
}

/** @throws {UsageMistake} */
export function readParams(flags: Flags, text: string): Params {
  const texts = new Map<string, readonly string[]>()
  const switches = new Map<string, boolean>()
  let url: string | undefined
  for (const [key, value] of Object.entries(readObject(text))) {
    if (key === 'url') url = readText(key, value)
    else if (key === 'headers') texts.set('header', readHeaders(value))
    else {
      const name = flagOf(flags, key)
      if (flags[name]?.value !== undefined) texts.set(name, [readText(key, value)])
      else if (typeof value === 'boolean') switches.set(name, value)
      else throw new UsageMistake(`--params: "${key}" takes true or false`)
    }
  }
  return { url, texts, switches }
}

function readObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new UsageMistake('--params: expected JSON')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    // Of two members of one name JSON.parse keeps the last. Every colon outside of a text is a member.
    const written = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').split(':').length - 1
    if (written !== countMembers(value)) throw new UsageMistake('--params: a name is there twice')
    return value as Readonly<Record<string, unknown>>
  }
  throw new UsageMistake('--params: expected a JSON object')
}

/** Of an object and all that is in it, however deep. */
function countMembers(object: object): number {
  let count = 0
  const open: unknown[] = [object]
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value !== 'object' || value === null) continue
    const members: readonly unknown[] = Object.values(value)
    if (!Array.isArray(value)) count += members.length
    for (const member of members) open.push(member)
  }
  return count
}

/** A misspelt limit is a mistake, not an absent limit. */
function flagOf(flags: Flags, key: string): string {
  const name = names[key] ?? key.replaceAll('_', '-')
  const isOwnName = Object.hasOwn(names, key) || !Object.values(names).includes(name)
  const isFlag = Object.hasOwn(flags, name) && name !== 'params' && !key.includes('-')
  if (isFlag && isOwnName) return name
  throw new UsageMistake(`--params: "${printed(key)}" is not known`)
}

function readText(key: string, value: unknown): string {
  if (typeof value === 'string') return value
  // A whole number: 1e21 and 0.1 + 0.2 are no amounts that anybody wrote.
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return String(value)
  throw new UsageMistake(`--params: "${key}" takes text or a whole number`)
}

function readHeaders(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageMistake('--params: "headers" takes an object of names and values')
  }
  return Object.entries(value).flatMap(([name, given]) => {
    const values: readonly unknown[] = Array.isArray(given) ? given : [given]
    if (name === '' || /[:@\r\n]/.test(name)) {
      throw new UsageMistake('--params: a name in "headers" is no header')
    }
    return values.map((one) => `${name}: ${readText('headers', one)}`)
  })
}

function merge(given: Given, { url, texts, switches }: Params): Given {
  const [operand] = given.operands
  if (url !== undefined && operand !== undefined && url !== operand) {
    throw new UsageMistake('the URL and "url" in --params are not the same')
  }
  for (const [name, [value]] of texts) {
    if (name === 'header') continue
    const flag = given.text(name)
    if (flag !== undefined && flag !== value) throw contradiction(name)
  }
  for (const [name, isGiven] of switches) {
    if (!isGiven && given.has(name)) throw contradiction(name)
  }
  const headers = newHeaders(texts.get('header') ?? [], given.texts('header'))
  return {
    operands: operand === undefined && url !== undefined ? [url] : given.operands,
    has: (flag) => {
      // The one flag that is on unless it is taken back.
      if (flag === 'no-location' && switches.get('location') === false) return true
      return given.has(flag) || switches.get(flag) === true || texts.has(flag)
    },
    text: (flag) => given.text(flag) ?? texts.get(flag)?.[0],
    texts: (flag) => [
      ...given.texts(flag),
      ...(flag === 'header' ? headers : (texts.get(flag) ?? [])),
    ],
  }
}

/** The headers that the flags do not have. One that both have is the same in both. */
function newHeaders(lines: readonly string[], flags: readonly string[]): readonly string[] {
  const byFlags = Map.groupBy(flags, nameOf)
  for (const [name, own] of Map.groupBy(lines, nameOf)) {
    const others = byFlags.get(name)
    if (
      others !== undefined &&
      others.map(contentOf).join('\n') !== own.map(contentOf).join('\n')
    ) {
      throw contradiction('header')
    }
  }
  return lines.filter((line) => !byFlags.has(nameOf(line)))
}

function nameOf(line: string): string {
  return line.slice(0, line.indexOf(':')).trim().toLowerCase()
}

function contentOf(line: string): string {
  return line.slice(line.indexOf(':') + 1).trim()
}

function contradiction(name: string): UsageMistake {
  return new UsageMistake(`--${name} and --params say two things`)
}

/** A key is text of a program, and may be long. */
function printed(key: string): string {
  return key.slice(0, 40).replace(/[^\x20-\x7e]/g, '?')
}
