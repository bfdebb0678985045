import { realpathSync, statSync } from 'node:fs'
import { dirname, isAbsolute, relative, sep } from 'node:path'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import { readPrivateFile } from '../keys/private-file.ts'
import type { Environment, Home } from './home.ts'
import { absolute } from './home.ts'
import type { SecretPlace } from './wallet-uri.ts'

export type SecretContext = {
  readonly home: Pick<Home, 'folder'>
  readonly environment: Environment
  /** Who named the wallet. */
  readonly namedBy: string
  /**
   * Whether the operator's own file named it. What only a command line or the environment names
   * could be sent anywhere by whoever sets those.
   */
  readonly isConfigured: boolean
}

const maxTokenBytes = 4096
/** What this program keeps in a home. It opens more than a wallet, and is sent nowhere. */
const ownFile = /^(?:journal|receipts|policy|config)[.-]|^(?:mcp\.token|wallet-token|devnet\.json)/i
/** Variables of this program that hold a secret of another kind. */
const otherSecrets: ReadonlySet<string> = new Set(['SATWAY_CREDENTIAL', 'SATWAY_ADMIN_MACAROON'])

/**
 * Reads the token of a wallet.
 *
 * @throws {Failure} naming the place and never what is in it.
 * @spec agent.md R-AGT-11
 */
export function readSecret(place: SecretPlace, context: SecretContext): string {
  return place.from === 'env'
    ? readVariable(place.name, context)
    : readTokenFile(absolute(place.path, context.namedBy), context)
}

function readVariable(name: string, context: SecretContext): string {
  const isOurs = name.startsWith('SATWAY_') && !otherSecrets.has(name)
  if (!context.isConfigured && !isOurs) {
    throw wrong(context, `the variable ${name} may not be named here`, onlyOurs)
  }
  const value = context.environment[name] ?? ''
  if (isHeaderValue(value)) return value
  const what = value === '' ? 'is not set' : 'holds no token: letters, digits and signs, no spaces'
  throw wrong(context, `the variable ${name} ${what}`)
}

function readTokenFile(path: string, context: SecretContext): string {
  const real = realPathOf(path)
  if (real === undefined) throw wrong(context, `there is no ${path}`)
  requireMayRead(path, real, context)
  const value =
    readPrivateFile(real, maxTokenBytes + 2)
      ?.toString('latin1')
      .trim() ?? ''
  if (isHeaderValue(value)) return value
  throw wrong(context, `${path} holds no token: one line, no spaces`)
}

function requireMayRead(path: string, real: string, context: SecretContext): void {
  const folder = realPathOf(context.home.folder)
  const inHome = folder === undefined ? undefined : relative(folder, real)
  if (folder !== undefined && dirname(real) === folder && ownFile.test(inHome ?? '')) {
    throw wrong(context, `${path} is this program’s own, and no token of a wallet`)
  }
  if (!context.isConfigured && !isBelow(inHome)) {
    throw wrong(context, `${path} may not be named here: it is outside of the home`, onlyHome)
  }
  if (process.getuid !== undefined && statSync(real).uid !== process.getuid()) {
    throw wrong(context, `${path} belongs to another user`)
  }
}

/** @param path - From the home; on another disk of Windows it is absolute. */
function isBelow(path: string | undefined): boolean {
  if (path === undefined || isAbsolute(path)) return false
  return path !== '..' && !path.startsWith(`..${sep}`)
}

const inConfig = 'Or name the wallet in the configuration: satway config set wallet URI'
const onlyOurs = `Name one that begins with SATWAY_. ${inConfig}`
const onlyHome = `Put it into the home. ${inConfig}`

/** `undefined`: there is nothing. */
function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

function isHeaderValue(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text) && text.length <= maxTokenBytes
}

function wrong({ namedBy }: SecretContext, what: string, advice?: string): Failure {
  return new Failure(`${namedBy}: ${what}.`, {
    exitCode: exitCodes.failed,
    advice: advice ?? 'How a wallet is named: satway help config set',
  })
}
