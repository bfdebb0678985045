import { join } from 'node:path'
import type { Network } from 'satway'
import { isL402Error } from 'satway'
import type { Payer } from 'satway/lightning'
import { isAgentRun } from '../cli/agent-run.ts'
import type { ExitCode } from '../cli/exit-codes.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import type { AgentConfig } from './config-file.ts'
import { readAgentConfig } from './config-file.ts'
import type { Environment, Home } from './home.ts'
import { absolute, homeOf } from './home.ts'
import { readSecret } from './wallet-secret.ts'
import type { SecretPlace, WalletUri } from './wallet-uri.ts'
import { parseWalletUri } from './wallet-uri.ts'

/** What pays, if anything does. */
export type Wallet = {
  /** `undefined`: none was named and no demo runs. What is free can still be had. */
  readonly payer: Payer | undefined
  readonly kind: WalletUri['kind']
  readonly network: Network | undefined
  /** Whether a mistake costs something. */
  readonly realMoney: boolean
  /** Who named it, for people: `--wallet`, `config.yaml`, `SATWAY_WALLET`, `satway demo`. */
  readonly namedBy: string | undefined
  /** Of a wallet over HTTP, where it is asked. Without options. */
  readonly url: string | undefined
  /** Whether it can be asked what became of a payment. */
  readonly looksUp: boolean
  /** Of a wallet over HTTP, where its token is. */
  readonly tokenPlace: SecretPlace | undefined
}

export type WalletContext = {
  /** Where a demo leaves its wallet. Default: as {@link homeOf} says. */
  readonly home?: Pick<Home, 'folder' | 'configFile'>
  /** Default: what is in the home. */
  readonly config?: AgentConfig
  readonly environment?: Environment
  /** For wallets over HTTP. Default: the platform's. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
}

const demoWallet = 'devnet.json'

/** Where this program keeps what it must find again. */
export function satwayFolder(): string {
  return homeOf().folder
}

/** The wallet of a running `satway demo`. */
export function defaultWalletFile(): string {
  return join(satwayFolder(), demoWallet)
}

/** What to do when there is something to pay and nothing to pay with. */
export const walletAdvice =
  'Start `npm start` (or `satway demo`) in another terminal, or name a wallet: --wallet devnet:FILE, or for good: satway config set wallet URI'

const noWallet = {
  payer: undefined,
  kind: 'none',
  network: undefined,
  realMoney: false,
  url: undefined,
  looksUp: true,
  tokenPlace: undefined,
} as const

/**
 * The wallet that pays.
 *
 * @param given - A wallet URI, from the command line. `undefined`: the configuration, then
 *   SATWAY_WALLET, then a running demo, then none.
 * @throws {Failure} naming what to fix, when the chosen one cannot be opened. Its exit code is that
 *   of usage when the command line named it. Where an agent runs, for any but the configuration's.
 * @spec agent.md R-AGT-8 to R-AGT-12
 */
export async function openWallet(
  given: string | undefined,
  context: WalletContext = {},
): Promise<Wallet> {
  const { environment = process.env } = context
  const isAgent = isAgentRun(environment)
  if (given !== undefined) {
    if (isAgent) throw notForAgents('--wallet')
    return await openUri(given, '--wallet', context)
  }
  const home = context.home ?? homeOf(undefined, environment)
  const config = context.config ?? (await readAgentConfig(home))
  if (config.wallet !== undefined) return await openUri(config.wallet, 'config.yaml', context)
  const named = environment['SATWAY_WALLET']
  if (named !== undefined && named !== '') {
    if (isAgent) throw notForAgents('SATWAY_WALLET')
    return await openUri(named, 'SATWAY_WALLET', context)
  }
  const file = join(home.folder, demoWallet)
  return (await openDevnet(file, 'satway demo', true)) ?? { ...noWallet, namedBy: undefined }
}

async function openUri(text: string, namedBy: string, context: WalletContext): Promise<Wallet> {
  const uri = parseWalletUri(text)
  if ('problem' in uri) {
    const exitCode = namedBy === '--wallet' ? exitCodes.usage : exitCodes.failed
    throw wrongWallet(`${namedBy}: ${uri.problem}`, exitCode)
  }
  if (uri.kind === 'none') return { ...noWallet, namedBy }
  if (uri.kind === 'http') return await openHttp(uri, namedBy, context)
  const file = uri.file.startsWith('~/') ? absolute(uri.file, namedBy) : uri.file
  return (await openDevnet(file, namedBy, false)) ?? { ...noWallet, namedBy }
}

/** @returns `undefined` where there may be none, and is none. */
async function openDevnet(
  file: string,
  namedBy: string,
  isOptional: boolean,
): Promise<Wallet | undefined> {
  const { connectWallet, readWalletFile } = await import('satway/lightning/devnet')
  try {
    const payer = connectWallet(await readWalletFile(file))
    return { ...noWallet, payer, kind: 'devnet', network: payer.network, namedBy }
  } catch (error) {
    if (!isL402Error(error)) throw error
    if (isOptional && error.code === 'NODE_UNAVAILABLE') return undefined
    const reason = error.details['reason'] ?? error.code
    throw wrongWallet(
      `The wallet ${file} cannot be used: ${reason}.`,
      exitCodes.network,
      walletAdvice,
    )
  }
}

async function openHttp(
  uri: WalletUri & { readonly kind: 'http' },
  namedBy: string,
  context: WalletContext,
): Promise<Wallet> {
  const { environment = process.env, fetch } = context
  const home = context.home ?? homeOf(undefined, environment)
  const isConfigured = namedBy === 'config.yaml'
  const { url, network, token, lookupUrl, fields } = uri
  const secret = token && readSecret(token, { home, environment, namedBy, isConfigured })
  const { createHttpWallet } = await import('satway/lightning/http-wallet')
  try {
    const payer = createHttpWallet({
      url,
      network,
      ...fields,
      ...(secret !== undefined && { headers: { authorization: `Bearer ${secret}` } }),
      ...(lookupUrl !== undefined && { lookupUrl }),
      ...(fetch !== undefined && { fetch }),
    })
    const realMoney = network === 'bitcoin'
    const looksUp = lookupUrl !== undefined
    return { payer, kind: 'http', network, realMoney, namedBy, url, looksUp, tokenPlace: token }
  } catch (error) {
    if (!isL402Error(error) && !(error instanceof RangeError)) throw error
    throw wrongWallet(`${namedBy}: ${error.message}`, exitCodes.failed)
  }
}

function notForAgents(name: string): Failure {
  const message = `${name} does not count where SATWAY_AGENT is set: an agent does not choose who pays.`
  const advice = 'Leave it out. The operator names the wallet: satway config set wallet URI'
  return new Failure(message, { exitCode: exitCodes.refused, advice })
}

function wrongWallet(message: string, exitCode: ExitCode, advice = howToName): Failure {
  return new Failure(message, { exitCode, advice })
}

const howToName = 'How a wallet is named: satway help config set'
