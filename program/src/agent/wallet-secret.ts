import { realpathSync, statSync } from 'node:fs'
import { dirname, isAbsolute, relative, sep } from 'node:path'
import type { HeldPlace, SecretUse } from 'satway/lightning/wallet'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import { readPrivateFile, readSecretFile } from '../keys/private-file.ts'
import type { Environment, Home } from './home.ts'
import { absolute } from './home.ts'
import { isOpenToChanges } from './small-file.ts'

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

const maxBytes = 65_536
/** What this program keeps in a home. It opens more than a wallet, and is sent nowhere. */
export const ownFile =
  /^(?:journal|receipts|policy|config)[.-]|^(?:mcp\.token|wallet-token|devnet\.json|gateway\.db|admin\.key)/i
/** What a gateway signs its tokens with, whatever the file is called. */
const keyRing = /^\s*\d{1,3}:[0-9a-f]{64}(?![0-9a-f])/i
/** Where a macaroon of a gateway's admin API is for. One of lnd may have the same file name. */
const adminLocation = 'satway admin'
/** Variables of this program that hold a secret of another kind. */
const otherSecrets: ReadonlySet<string> = new Set(['SATWAY_CREDENTIAL', 'SATWAY_ADMIN_MACAROON'])

/**
 * Reads what a wallet is opened with, as it is there: a macaroon is binary.
 *
 * @throws {Failure} naming the place and never what is in it.
 * @spec agent.md R-AGT-11
 */
export function readSecret(place: HeldPlace, use: SecretUse, context: SecretContext): Uint8Array {
  if (place.from === 'env') return readVariable(place.name, context)
  const path = absolute(place.path, context.namedBy)
  return use === 'certificate' ? readCertificate(path, context) : readSecretOf(path, use, context)
}

function readVariable(name: string, context: SecretContext): Uint8Array {
  const isOurs = name.startsWith('SATWAY_') && !otherSecrets.has(name)
  if (!context.isConfigured && !isOurs) {
    throw wrong(context, `the variable ${name} may not be named here`, onlyOurs)
  }
  const value = context.environment[name] ?? ''
  if (value === '') throw wrong(context, `the variable ${name} is not set`)
  const bytes = Buffer.from(value)
  requireNoneOfGateway(bytes, `the variable ${name}`, context)
  return bytes
}

function readSecretOf(path: string, use: SecretUse, context: SecretContext): Uint8Array {
  const real = realPathOf(path)
  if (real === undefined) throw wrong(context, `there is no ${path}`)
  requireOrdinary(path, real, context)
  requireMayRead(path, real, use, context)
  const bytes = readPrivateFile(real, maxBytes) ?? Buffer.alloc(0)
  if (bytes.length === 0) throw wrong(context, `${path} is empty`)
  requireNoneOfGateway(bytes, path, context)
  return bytes
}

/** The keys of a gateway make tokens for nothing, and its admin macaroon does what it pleases. */
function requireNoneOfGateway(bytes: Buffer, place: string, context: SecretContext): void {
  const text = bytes.toString('latin1')
  const asWritten = [bytes, Buffer.from(text, 'base64'), Buffer.from(text.trim(), 'hex')]
  const isPermit = asWritten.some((one) => one.includes(adminLocation))
  if (!isPermit && !keyRing.test(text)) return
  throw wrong(context, `${place} holds a key of a gateway, and nothing of a wallet`)
}

/** It is no secret, and stands beside the node that it is of. Whoever can change it can be the node. */
function readCertificate(path: string, context: SecretContext): Uint8Array {
  requireOrdinary(path, realPathOf(path), context)
  const found = readSecretFile(path, maxBytes)
  if (found === undefined) throw wrong(context, `there is no ${path}`)
  if (!isOpenToChanges(found.mode)) return found.bytes
  throw wrong(context, `${path} can be changed by others`, `chmod go-w ${path}`)
}

/** A named pipe in its place would hold us for ever. */
function requireOrdinary(path: string, real: string | undefined, context: SecretContext): void {
  if (real === undefined || statSync(real).isFile()) return
  throw wrong(context, `${path} is not an ordinary file`)
}

function requireMayRead(path: string, real: string, use: SecretUse, context: SecretContext): void {
  const folder = realPathOf(context.home.folder)
  const inHome = folder === undefined ? undefined : relative(folder, real)
  if (folder !== undefined && dirname(real) === folder && ownFile.test(inHome ?? '')) {
    throw wrong(context, `${path} is this program’s own, and no ${use} of a wallet`)
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
export function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

function wrong({ namedBy }: SecretContext, what: string, advice?: string): Failure {
  return new Failure(`${namedBy}: ${what}.`, {
    exitCode: exitCodes.failed,
    advice: advice ?? 'How a wallet is named: satway help config set',
  })
}
