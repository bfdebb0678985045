import { isIP } from 'node:net'
import type { Given } from '../cli/command.ts'
import { UsageMistake } from '../cli/failure.ts'
import { isLoopback } from './http-guard.ts'

/** How `satway mcp` was started. */
export type Settings = {
  /** `undefined`: standard input and output. */
  readonly http:
    | { readonly host: string; readonly port: number; readonly hosts: readonly string[] }
    | undefined
  readonly allowDelegate: boolean
  /** `undefined`: as the configuration says. */
  readonly wallet: string | undefined
  /** Of `satway delegate`, instead of a wallet. Secret. */
  readonly credential: string | undefined
}

/** @throws {UsageMistake} */
export function readSettings(
  given: Given,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Settings {
  const hosts = given.texts('allow-host')
  const address = given.text('http')
  if (address === undefined && hosts.length > 0) {
    throw new UsageMistake('--allow-host goes with --http')
  }
  for (const host of hosts) requireName(host)
  const wallet = given.text('wallet')
  const credential = environment['SATWAY_CREDENTIAL'] || undefined
  if (wallet !== undefined && credential !== undefined) {
    throw new UsageMistake('--wallet: SATWAY_CREDENTIAL is set, and whoever uses that never pays')
  }
  return {
    http: address === undefined ? undefined : { ...readAddress(address, hosts), hosts },
    allowDelegate: given.has('allow-delegate'),
    wallet,
    credential,
  }
}

function readAddress(
  text: string,
  hosts: readonly string[],
): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, digits = ''] =
    /^(?:(?:\[([\da-f:.]+)\]|([\w.-]+)):)?(\d{1,5})$/i.exec(text) ?? []
  const host = (bracketed ?? plain ?? '127.0.0.1').toLowerCase()
  const port = Number(digits)
  if (digits === '' || port > 65_535 || (bracketed !== undefined && isIP(bracketed) !== 6)) {
    throw new UsageMistake('--http: expected [HOST:]PORT, such as 8404 or 127.0.0.1:8404')
  }
  if (!isLoopback(host) && hosts.length === 0) {
    throw new UsageMistake(
      `--http: others can reach ${host}; if that is meant, say with --allow-host what they call it`,
    )
  }
  return { host, port }
}

function requireName(host: string): void {
  if (/^[\w.-]{1,253}$/.test(host) || isIP(host) === 6) return
  throw new UsageMistake('--allow-host: expected a name or an address, without a port')
}
