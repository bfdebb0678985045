import type { Msat } from '../amount/index.ts'
import type {
  Ledger,
  Note,
  PaymentState,
  Proposal,
  Receipts,
  StoredToken,
  TokenStore,
} from '../client/index.ts'

/**
 * Where the key comes from that seals tokens and preimages in the file.
 *
 * `auto`: what the journal was made with; for a new one the system's keychain, through the system's
 * own tool, where there is one that answers, and else a key file (0600) beside the journal.
 */
export type KeyChoice = 'auto' | 'keychain' | 'file' | Uint8Array

export type JournalOptions = {
  /** The SQLite file. Made with mode 0600, in a folder of 0700, when it is not there. */
  readonly path: string
  /** Default `auto`. 32 bytes are a key of the caller's own. */
  readonly key?: KeyChoice
  /** The file that receipts are appended to. Default: `receipts.jsonl` beside the journal. */
  readonly receiptsPath?: string
  /** Seconds since 1970; fractions count. Default: the system clock. */
  readonly now?: () => number
}

/**
 * Everything that must outlive a process that spends: payments and budgets, tokens, receipts, and
 * questions to the operator. One SQLite file, used by any number of processes of one machine at once.
 */
export type Journal = {
  readonly path: string
  readonly ledger: PaymentBook
  readonly tokens: TokenBook
  readonly receipts: ReceiptBook
  readonly approvals: Approvals
  /** Where the sealing key is, for people: `keychain (secret-tool)`, `file /…/journal.key`. */
  readonly keyPlace: string
  /** Finishes what was asked for, and lets go of the file. */
  close(): Promise<void>
}

/** The ledger, and ways to look at many payments without opening what is sealed in them. */
export type PaymentBook = Ledger & {
  summary(): Promise<PaymentSummary>
  /**
   * The hashes of those whose payment hash begins with these digits, oldest first.
   *
   * @param digits - Hexadecimal, in lower case.
   */
  named(digits: string): Promise<readonly string[]>
}

/** All payments, in numbers. */
export type PaymentSummary = {
  readonly counts: Readonly<Record<PaymentState, number>>
  /**
   * What each host got, and what is set aside for it: amounts and fees of what settled, amounts and
   * fee ceilings of what has not ended. The most first; none that is zero.
   */
  readonly hosts: readonly { readonly host: string; readonly takenMsat: Msat }[]
}

/** Tokens, and ways to look at a few of many. */
export type TokenBook = TokenStore & {
  /** Latest first. */
  latest(filter?: {
    readonly origin?: string
    readonly standing?: StoredToken['standing']
    /**
     * Only those that may still open something, or are owed, at this second since 1970. What was good
     * for a number of requests and brought so many answers opens nothing more.
     */
    readonly openAtSeconds?: number
    /** At most so many. Default: all. */
    readonly limit?: number
  }): Promise<readonly StoredToken[]>
  /**
   * Those whose id or payment hash begins with these digits, oldest first.
   *
   * @param digits - Hexadecimal, in lower case.
   */
  named(digits: string): Promise<readonly StoredToken[]>
}

/** `approval`: somebody decided about a question. The others are what a payment or a note became. */
export type ReceiptKind =
  | 'intent'
  | 'sending'
  | 'settled'
  | 'failed'
  | 'unknown'
  | 'abandoned'
  | 'approval'
  | Note['kind']

/**
 * One line of the receipts. Members that do not apply are left out of the line. `previous` is the
 * SHA-256 of the line before it, without its line break; of the first line, 64 zeros.
 */
export type Receipt = {
  /** From 1, without gaps. */
  readonly seq: number
  /** RFC 3339, UTC. */
  readonly time: string
  readonly kind: ReceiptKind
  readonly paymentHash?: string
  readonly origin?: string
  readonly method?: string
  /** Without its query. */
  readonly path?: string
  /** Digits, msat. So are the two below. */
  readonly amountMsat?: string
  readonly maxFeeMsat?: string
  readonly feeMsat?: string
  readonly decidedBy?: 'policy' | 'approval'
  readonly code?: string
  readonly reason?: string
  readonly status?: number
  /** 64 hex digits. */
  readonly previous: string
}

/** What a check of the receipts found. */
export type ReceiptVerdict = {
  readonly lines: number
  readonly settled: number
  /** Settled payments of which the journal has a preimage that hashes to the payment hash. */
  readonly proven: number
  /** SHA-256 of the last line: to be kept elsewhere, so that a cut end is noticed. */
  readonly head: string
  /** Empty: everything is in order. Each says which line, and what is wrong. */
  readonly problems: readonly string[]
}

export type ReceiptBook = Receipts & {
  readonly path: string
  /** Oldest first. */
  list(filter?: {
    readonly sinceSeconds?: number
    readonly origin?: string
    readonly paymentHash?: string
    readonly kinds?: readonly ReceiptKind[]
    /** The latest so many of those. */
    readonly limit?: number
  }): Promise<readonly Receipt[]>
  /**
   * Adds to the file what it still lacks, reads all of it, follows its chain, and holds it against the
   * journal.
   */
  verify(): Promise<ReceiptVerdict>
  /** One line a settled payment, with a line of names first. RFC 4180; nothing that a spreadsheet runs. */
  exportCsv(): Promise<string>
  /**
   * Writes the whole chain to `path` anew, where nothing is: for an operator who looked at what
   * `verify` found and moved the files away.
   *
   * @throws {RangeError} while there is a file.
   */
  restore(): Promise<void>
}

/** Why somebody is asked. */
export type ApprovalReason = Proposal['askedBecause']

export type ApprovalState = 'pending' | 'approved' | 'denied' | 'used' | 'expired'

/** One question to the operator. */
export type Approval = {
  /** 8 characters, for people to type. */
  readonly id: string
  readonly state: ApprovalState
  readonly proposal: Proposal
  readonly createdAtSeconds: number
  /** An answer is good until then, and the question is open until then. */
  readonly expiresAtSeconds: number
  readonly decidedAtSeconds: number | undefined
}

export type ApprovalAnswer = {
  readonly status: 'approved' | 'denied' | 'pending'
  readonly id: string
}

/**
 * Questions to the operator, and the answers. An answer is good for one payment of the same method
 * and URL, to the same payee, of no higher cost than was asked about.
 */
export type Approvals = {
  /**
   * Takes an answer that covers the proposal, or asks: one open question a purchase.
   *
   * `approved` takes the approval: it is good for one payment. `denied` stays until it expires.
   */
  ask(proposal: Proposal, nowSeconds: number): Promise<ApprovalAnswer>
  /**
   * Answers an open question, or turns an answer that is in force and not used.
   *
   * @throws {RangeError} when there is no such question, it was answered so already, its approval was
   *   used, or it expired.
   */
  decide(id: string, answer: 'approved' | 'denied', nowSeconds: number): Promise<Approval>
  find(id: string): Promise<Approval | undefined>
  /** Latest first, at most 1000. Default: all. */
  list(nowSeconds: number, state?: ApprovalState): Promise<readonly Approval[]>
}
