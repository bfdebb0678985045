import type { Client, FetchInit } from 'satway/client'
import type { Journal } from 'satway/journal'
import type { Payer, Wallet } from 'satway/lightning'
import type { Transport } from 'satway/transport'
import type { CallReport, QuoteReport } from '../schema/index.ts'
import type { Home } from './home.ts'
import type { Narrowing } from './narrowing.ts'
import type { PolicyBook } from './policy-book.ts'

/** How somebody is asked before a payment that the policy does not allow by itself. */
export type AskHow =
  /** A question on the terminal, and the queue when there is no terminal. */
  | { readonly kind: 'terminal' }
  /**
   * The queue of `satway approvals`; a call waits for an answer for at most so long. Default:
   * `approval_wait_seconds` of the configuration, or 0. `mostSeconds` is asked with each question,
   * for what the call itself has left: it is never waited for longer.
   */
  | {
      readonly kind: 'queue'
      readonly waitSeconds?: number
      readonly mostSeconds?: () => number
    }

export type AgentOptions = {
  /** Default: SATWAY_HOME, then `~/.satway`. */
  readonly home?: string
  /** A wallet URI. Default: the configuration, SATWAY_WALLET, then a running demo. `none`: no wallet. */
  readonly wallet?: string
  readonly ask: AskHow
  /** Default true; false is `-k`. */
  readonly verifyTls?: boolean
  /**
   * A credential from `satway delegate` instead of a wallet: `ORIGIN AUTHORIZATION`. It is used for
   * its origin, nothing is paid, and no journal is opened.
   */
  readonly credential?: string
  /** How long the wallet is waited for before a payment counts as unknown. Default 60 000. */
  readonly paymentTimeoutMs?: number
  /** Is told what happens, as it happens. Must not throw; what it does changes nothing. */
  readonly watch?: (step: Step) => void
  /** What arguments tighten of the policy. */
  readonly narrowing?: Narrowing
}

/**
 * One step of a call, for `--verbose` and for clocks that run only while the server is waited for.
 * `request` and `answer` come in pairs around every exchange over the network, `paying` and
 * `payment` around every call of the wallet's `pay`, `asking` and `answered` around every question
 * to somebody. Carries no header, token, key, preimage or query.
 */
export type Step =
  /** Before a request is sent. `url`: without its query. `credential`: whether a token goes with it. */
  | {
      readonly kind: 'request'
      readonly method: string
      readonly url: string
      readonly credential: boolean
    }
  /** Its head has come. `status` is `undefined` when none came. */
  | { readonly kind: 'answer'; readonly status: number | undefined }
  /** A 402 whose invoice can be read: what it asks for. Before the policy decides. */
  | { readonly kind: 'price'; readonly amountMsat: string; readonly paymentHash: string }
  | {
      readonly kind: 'asking'
      readonly askedBecause: 'always' | 'amount' | 'new-host'
      readonly costMsat: string
    }
  /** Between the two: the question is in the queue, and the call waits for at most so long. */
  | { readonly kind: 'waiting'; readonly approvalId: string; readonly seconds: number }
  | { readonly kind: 'answered'; readonly answer: 'yes' | 'no' | 'pending' }
  /** The policy allowed it, and it is written down: the wallet is about to be called. */
  | { readonly kind: 'paying'; readonly paymentHash: string; readonly maxFeeMsat: string }
  | { readonly kind: 'payment'; readonly status: 'settled' | 'failed' | 'unknown' }

/** Everything of one spender: what he may spend, what he spent, and what he bought. */
export type Agent = {
  readonly home: Home
  readonly client: Client
  /** `undefined` with a delegated credential. Rejects every use while the file is unusable. */
  readonly journal: Journal | undefined
  /** With a delegated credential: the origin that it is for. */
  readonly delegatedTo?: string
  readonly policy: PolicyBook
  readonly payer: Payer | undefined
  /** `lnd`, `devnet`, `http`, `none`: for people. */
  readonly walletKind: string
  /**
   * The wallet itself, opened when it is first needed.
   *
   * @throws {L402Error} NODE_UNAVAILABLE with `details.reason`, also where there is none.
   */
  openWallet(): Promise<Wallet>
  /** Whether the wallet can be asked what became of a payment. */
  readonly walletLooksUp: boolean
  /** Whether a mistake costs something. */
  readonly realMoney: boolean
  /** How much the download folder may hold. */
  readonly downloadsMaxBytes: number
  readonly transport: Transport
  /** Asks the wallet about what has no end, now and in the background, until `close`. */
  keepReconciling(): void
  close(): Promise<void>
}

/** What to ask for, and within what. */
export type CallOrder = {
  readonly url: string
  readonly init: FetchInit
}

/** Where the body of an answer goes. */
export type BodySink = {
  /** The file, once the body is there; `null`: no file. */
  readonly path: string | null
  /** Whether an answer is for this place. The others go into the report. Default: every one is. */
  takes?(response: Response): boolean
  write(response: Response): Promise<void>
}

/**
 * Makes a call and says how it ended. Never rejects.
 *
 * @param sink - `undefined`: the body goes into the report, at most `maxBodyBytes` of it.
 */
export type Perform = (
  agent: Agent,
  order: CallOrder,
  options: { readonly sink?: BodySink; readonly maxBodyBytes: number },
) => Promise<CallReport>

/** The same up to the payment. */
export type AskPrice = (agent: Agent, order: CallOrder) => Promise<QuoteReport>

/** Goes on with a purchase, without paying. */
export type ResumeCall = (
  agent: Agent,
  paymentHash: string,
  init: FetchInit,
  options: { readonly sink?: BodySink; readonly maxBodyBytes: number },
) => Promise<CallReport>
