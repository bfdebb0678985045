import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Network } from 'satway'
import { isL402Error, L402Error } from 'satway'
import type { Payer, Wallet } from 'satway/lightning'
import type { SecretPlace, WalletKind, WalletUri } from 'satway/lightning/wallet'
import { openWallet as openNamed, resolveWalletUri } from 'satway/lightning/wallet'
import { isAgentRun } from '../cli/agent-run.ts'
import type { ExitCode } from '../cli/exit-codes.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import type { AgentConfig } from './config-file.ts'
import { readAgentConfig } from './config-file.ts'
import { requireNotConfigured } from './configured-secret.ts'
import type { Environment, Home } from './home.ts'
import { absolute, homeOf } from './home.ts'
import { createLazyPayer } from './lazy-payer.ts'
import { cannotPay, readWalletName } from './wallet-name.ts'
import type { SecretContext } from './wallet-secret.ts'
import { readSecret } from './wallet-secret.ts'

export type PayingWallet = Wallet & { readonly payer: Payer }

/** What pays, if anything does. */
export type AgentWallet = {
  /** `undefined`: none was named and no demo runs. What is free can still be had. */
  readonly payer: Payer | undefined
  readonly kind: WalletKind | 'none'
  /** As its URI says. */
  readonly network: Network | undefined
  /** Whether a mistake costs something. */
  readonly realMoney: boolean
  /** Who named it, for people: `--wallet`, `config.yaml`, `SATWAY_WALLET`, `satway demo`. */
  readonly namedBy: string | undefined
  /** Where it is asked. Without secrets and options. */
  readonly url: string | undefined
  /** Whether it can be asked what became of a payment. */
  readonly looksUp: boolean
  /** Where its secret is, or its whole URI. */
  readonly secretPlace: SecretPlace | undefined
  /**
   * Opens it, once: whoever pays nothing needs no adapter.
   *
   * @throws {L402Error} NODE_UNAVAILABLE with `details.reason`: what to mend.
   */
  open(): Promise<PayingWallet>
  /** Ends its connections. */
  close(): void
}

export type WalletContext = {
  /** Where a demo leaves its wallet. Default: as {@link homeOf} says. */
  readonly home?: Pick<Home, 'folder' | 'configFile'>
  /** Default: what is in the home. */
  readonly config?: AgentConfig
  readonly environment?: Environment
  /** For wallets that take `POST /payinvoice`. Default: the platform's. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
  /** How long the end of a payment is waited for, in ms. Default: as its adapter says. */
  readonly orderTimeoutMs?: number
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
  'Start `npm start` (or `satway demo`) in another terminal, or name a wallet: --wallet URI, or for good: satway config set wallet URI'

/**
 * The wallet that pays. Its secret is read at once, the wallet itself opened when it is first needed.
 *
 * @param given - A wallet URI, from the command line. `undefined`: the configuration, then
 *   SATWAY_WALLET, then a running demo, then none.
 * @throws {Failure} naming what to fix, when it is named wrongly or its secret cannot be read. Its exit
 *   code is that of usage when the command line named it wrongly. Where an agent runs, for any but the
 *   configuration's.
 * @spec agent.md R-AGT-8 to R-AGT-12, R-AGT-49
 */
export async function openWallet(
  given: string | undefined,
  context: WalletContext = {},
): Promise<AgentWallet> {
  const { environment = process.env } = context
  const isAgent = isAgentRun(environment)
  if (given !== undefined) {
    if (isAgent) throw notForAgents('--wallet')
    return await named(given, '--wallet', context)
  }
  const config = await configOf(context)
  if (config.wallet !== undefined) return await named(config.wallet, 'config.yaml', context)
  const name = environment['SATWAY_WALLET']
  if (name !== undefined && name !== '') {
    if (isAgent) throw notForAgents('SATWAY_WALLET')
    return await named(name, 'SATWAY_WALLET', context)
  }
  const { folder } = context.home ?? homeOf(undefined, environment)
  const file = join(folder, demoWallet)
  if (!existsSync(file)) return noWallet(undefined)
  const demo = { kind: 'devnet', network: 'regtest', url: undefined, secret: undefined } as const
  return walletOf({ ...demo, file }, 'satway demo', undefined, context)
}

async function named(text: string, namedBy: string, context: WalletContext): Promise<AgentWallet> {
  const name = readWalletName(text)
  if ('problem' in name) {
    const exitCode = namedBy === '--wallet' ? exitCodes.usage : exitCodes.failed
    throw wrongWallet(`${namedBy}: ${name.problem}`, exitCode)
  }
  if (name.kind === 'none') return noWallet(namedBy)
  const { wallet: configured } = await configOf(context)
  if (name.kind !== 'reference') {
    requireNotConfigured(name, namedBy, configured)
    return walletOf(name, namedBy, name.secret, context)
  }

  const secrets = secretContext(namedBy, context)
  const read = resolveWalletUri(name, { readSecret: (...what) => readSecret(...what, secrets) })
  const uri = await read.catch((error: unknown) => {
    throw isL402Error(error) ? wrongWallet(`${namedBy}: ${reasonOf(error)}.`) : error
  })
  const problem = cannotPay(uri)
  if (problem !== undefined) throw wrongWallet(`${namedBy}: ${problem}`)
  requireNotConfigured(uri, namedBy, configured)
  return walletOf(uri, namedBy, name.place, context)
}

async function configOf({ config, home, environment }: WalletContext): Promise<AgentConfig> {
  return config ?? (await readAgentConfig(home ?? homeOf(undefined, environment)))
}

function walletOf(
  uri: WalletUri,
  namedBy: string,
  secretPlace: SecretPlace | undefined,
  context: WalletContext,
): AgentWallet {
  const { kind, network, url } = uri
  const secrets = secretContext(namedBy, context)
  const place = uri.secret
  const secret =
    place === undefined || place.from === 'uri'
      ? undefined
      : readSecret(place, 'credential', secrets)
  const opening = async (): Promise<PayingWallet> => {
    const { fetch, orderTimeoutMs } = context
    const wallet = await openNamed(placed(uri, namedBy), {
      readSecret: (at, use) =>
        use === 'credential' && secret !== undefined ? secret : readSecret(at, use, secrets),
      ...(fetch !== undefined && { fetch }),
      ...(orderTimeoutMs !== undefined && { orderTimeoutMs }),
    })
    if (pays(wallet)) return wallet
    throw new L402Error('NODE_UNAVAILABLE', { reason: `${kind}: it is only paid` })
  }
  let opened: Promise<PayingWallet> | undefined
  const open = (): Promise<PayingWallet> => {
    opened ??= opening().catch((error: unknown) => {
      // The next call may find it mended: a demo that has begun, a file that is there.
      opened = undefined
      throw asUnavailable(error, uri)
    })
    return opened
  }
  return {
    payer: createLazyPayer(network, async () => (await open()).payer),
    kind,
    network,
    realMoney: network === 'bitcoin',
    namedBy,
    url,
    looksUp: uri.kind !== 'http' || uri.lookupUrl !== undefined,
    secretPlace,
    open,
    close: () => {
      void opened?.then((wallet) => wallet.close()).catch(() => undefined)
    },
  }
}

function noWallet(namedBy: string | undefined): AgentWallet {
  return {
    payer: undefined,
    kind: 'none',
    network: undefined,
    realMoney: false,
    namedBy,
    url: undefined,
    looksUp: true,
    secretPlace: undefined,
    open: async () => {
      throw new L402Error('NODE_UNAVAILABLE', { reason: 'no wallet is named' })
    },
    close: () => undefined,
  }
}

function pays(wallet: Wallet): wallet is PayingWallet {
  return wallet.payer !== undefined
}

/** From the own folder, where somebody wrote so. */
function placed(uri: WalletUri, namedBy: string): WalletUri {
  if (uri.kind !== 'devnet' || !uri.file.startsWith('~/')) return uri
  return { ...uri, file: absolute(uri.file, namedBy) }
}

/** Whatever went wrong: a wallet that is not open was certainly not told to pay. */
function asUnavailable(error: unknown, uri: WalletUri): L402Error {
  const which = uri.kind === 'devnet' ? `${uri.file}: ` : ''
  return new L402Error('NODE_UNAVAILABLE', { reason: `${which}${whyNotOpen(error)}` }, error)
}

function whyNotOpen(error: unknown): string {
  if (isL402Error(error)) return reasonOf(error)
  return error instanceof Failure ? error.message.replace(/\.$/, '') : 'it cannot be opened'
}

function reasonOf({ details, code }: L402Error): string {
  return `${details['reason'] ?? code}`
}

function secretContext(namedBy: string, context: WalletContext): SecretContext {
  const { environment = process.env } = context
  const home = context.home ?? homeOf(undefined, environment)
  return { home, environment, namedBy, isConfigured: namedBy === 'config.yaml' }
}

function notForAgents(name: string): Failure {
  const message = `${name} does not count where SATWAY_AGENT is set: an agent does not choose who pays.`
  const advice = 'Leave it out. The operator names the wallet: satway config set wallet URI'
  return new Failure(message, { exitCode: exitCodes.refused, advice })
}

function wrongWallet(message: string, exitCode: ExitCode = exitCodes.failed): Failure {
  return new Failure(message, { exitCode, advice: howToName })
}

const howToName = 'How a wallet is named: satway help config set'
