import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Failure } from '../cli/failure.ts'
import type {
  ConfigReading,
  GatewayConfig,
  InvoiceLimits,
  ServiceDocument,
} from './config/index.ts'
import { combine } from './config/index.ts'

/** Where the configuration comes from: a file that can be read again, or the command line. */
export type Source = {
  /** For messages; paths in the configuration are relative to its folder. */
  readonly file: string
  readonly isFile: boolean
  /** @throws {Failure} when the file cannot be read. */
  read(): string
}

export function fileSource(file: string): Source {
  return {
    file,
    isFile: true,
    read: () => {
      try {
        return readFileSync(file, 'utf8')
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        throw new Failure(`${file} cannot be read (${code ?? 'unknown reason'}).`, {
          advice: 'Write one with `satway init`, or name another one with --config.',
        })
      }
    },
  }
}

export function textSource(text: string): Source {
  return { file: 'satway.yaml', isFile: false, read: () => text }
}

/** All that a worker needs to make the same configuration as the primary. */
export type Packet = {
  readonly text: string
  readonly file: string
  /** Services of the admin API. */
  readonly stored: readonly ServiceDocument[]
  readonly dryRun: boolean
  readonly workers: number
  /** Whether a person reads the standard output: then lines are for people. */
  readonly forPeople: boolean
  /** What the wallet cannot say in an invoice; absent before it was opened. */
  readonly limits?: InvoiceLimits
}

/** @param fresh - The stored service that is new: its mistakes are told as those of its document. */
export async function readPacket(packet: Packet, fresh?: string): Promise<ConfigReading> {
  const where = { file: packet.file, env: process.env }
  const { limits } = packet
  const reading = await combine(packet.text, packet.stored, where, { fresh, limits })
  if ('mistakes' in reading) return reading
  return { ...reading, config: withKeys(reading.config) }
}

/** @throws {Failure} where a configuration that was checked before has mistakes now. */
export async function requireConfig(packet: Packet): Promise<GatewayConfig> {
  const reading = await readPacket(packet)
  if ('config' in reading) return reading.config
  const [first] = reading.mistakes
  throw new Failure(`The configuration has mistakes: ${first?.path}: ${first?.message}`)
}

/**
 * Keys may be left out: they are kept beside the state, so that what was sold works after a restart.
 */
function withKeys(config: GatewayConfig): GatewayConfig {
  if (config.keys !== undefined) return config
  const keysFile = `${config.state}.keys`
  return { ...config, keys: readKeys(keysFile) ?? makeKeys(keysFile), keysFile }
}

function readKeys(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function makeKeys(file: string): string {
  const text = `1:${randomBytes(32).toString('hex')}`
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  // Never over a file that is there: the keys in it have sold tokens.
  writeFileSync(file, `${text}\n`, { mode: 0o600, flag: 'wx' })
  return text
}
