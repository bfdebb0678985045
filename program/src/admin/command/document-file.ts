import { readFileSync } from 'node:fs'
import { Failure } from '../../cli/failure.ts'
import type { Terminal } from './terminal.ts'

/** As much as the API takes. */
const maxBytes = 65_536

/**
 * Reads the definition of a service.
 *
 * @param file - YAML or JSON; `-` is standard input. What `satway admin services show` prints is
 *   taken, too.
 * @throws {Failure} when it cannot be read, or is not one service.
 */
export async function readDocument(
  file: string,
  terminal: Terminal,
): Promise<{ readonly name: string; readonly document: Readonly<Record<string, unknown>> }> {
  const bytes = file === '-' ? await terminal.readInput(maxBytes) : readFile(file)
  if (bytes.length > maxBytes) throw new Failure(`${file} is longer than ${maxBytes} bytes.`)
  const value = await parse(file, bytes.toString('utf8'))
  if (!isRecord(value)) throw notOne(file)
  if (Array.isArray(value['services'])) throw notOne(file)
  const shown = value['document']
  const document = isRecord(shown) && 'origin' in value ? shown : value
  const name = document['name']
  if (typeof name === 'string') return { name, document }
  throw new Failure(`${file} does not say which service it is.`, { advice: 'Add `name: …` to it.' })
}

function readFile(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new Failure(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
}

async function parse(file: string, text: string): Promise<unknown> {
  const { parseDocument } = await import('yaml')
  // JSON is YAML.
  const document = parseDocument(text, { prettyErrors: false })
  const [mistake] = [...document.errors, ...document.warnings]
  if (mistake !== undefined) {
    const line = text.slice(0, mistake.pos[0]).split('\n').length
    throw new Failure(`${file}, line ${line}: ${mistake.message.split('\n')[0]}`)
  }
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch {
    throw new Failure(`${file} refers to itself too often.`)
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function notOne(file: string): Failure {
  return new Failure(`${file} is not one service.`, {
    advice: 'Give one member of `services`: name, hosts, upstream, routes.',
  })
}
