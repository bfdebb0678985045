import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../cli/failure.ts'

const configName = 'satway.yaml'
const besideConfig = 'satway.keys'
const defaultState = './satway.db'

/**
 * The key file of the gateway whose `satway.yaml` lies in a folder: the one that it names, or that
 * the embedded network keeps beside its state. Without a configuration, `satway.keys`.
 *
 * @param folder - Where the command runs. Default: this one, and paths stay as they are written.
 * @throws {Failure} for a configuration that names no file that could be found without starting it.
 * @spec gateway.md R-KEY-9
 */
export async function defaultKeyFile(folder = ''): Promise<string> {
  const config = join(folder, configName)
  const document = await readDocument(config)
  if (document === undefined) return join(folder, besideConfig)
  const { keys, state = defaultState } = document
  if (keys === undefined) return `${placeOf(state, folder, config, 'state')}.keys`
  const isFile = typeof keys === 'string' && keys.startsWith('file:')
  return placeOf(isFile ? keys.slice('file:'.length) : undefined, folder, config, 'keys')
}

async function readDocument(
  config: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  let text: string
  try {
    text = readFileSync(config, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw unclear(`${config} cannot be read (${code}).`)
  }
  const { parseDocument } = await import('yaml')
  const document = parseDocument(text, { prettyErrors: false })
  const value = document.errors.length > 0 ? undefined : plainOf(document)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>
  }
  throw unclear(`${config} has mistakes: see \`satway config check\`.`)
}

function plainOf(document: {
  toJS(options: { readonly maxAliasCount: number }): unknown
}): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch {
    return undefined // it refers to itself too often
  }
}

/** A path of the configuration: relative to it, or to the home. Variables are the gateway's own. */
function placeOf(path: unknown, folder: string, config: string, member: string): string {
  if (typeof path !== 'string' || path === '' || path.includes('${')) {
    throw unclear(`\`${member}\` in ${config} names no file that can be found from here.`)
  }
  if (path.startsWith('~/')) return join(homedir(), path.slice(2))
  return path.startsWith('/') ? path : join(folder, path)
}

function unclear(message: string): Failure {
  return new Failure(message, { advice: 'Name the key file: --file FILE' })
}
