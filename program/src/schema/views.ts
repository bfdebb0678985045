import { z } from 'zod'

// What commands write with --json and what tools of the MCP server give: one form for both. `satway
// schema` publishes these. Every member is always there; what does not apply is null. Amounts are
// text of digits, msat. Moments are RFC 3339, UTC.

const digits = z.string().regex(/^\d+$/)
const hash = z.string().regex(/^[0-9a-f]{64}$/)
const moment = z.iso.datetime()

const outcome = z.enum(['not_paid', 'paid_delivered', 'paid_not_delivered', 'unknown', 'refused'])

const reportedError = z.strictObject({
  /** From spec/errors.md, or `FAILED`, `HTTP_STATUS`, `INTERRUPTED`, `NETWORK`, `TOO_LONG`, `USAGE`. */
  code: z.string(),
  /** `details.reason` or `details.limit` of the error; with `NETWORK` what the system called it. */
  reason: z.string().nullable(),
  message: z.string(),
  advice: z.string().nullable(),
})

/** How a call ended: `satway get --json`, `satway resume --json`, the tools `fetch` and `resume`. */
export const callReport = z.strictObject({
  outcome,
  method: z.string(),
  url: z.string(),
  /** The HTTP status, when there was an answer. */
  status: z.number().int().nullable(),
  contentType: z.string().nullable(),
  /** The price that was asked for; `outcome` says whether it was paid. */
  amountMsat: digits.nullable(),
  feeMsat: digits.nullable(),
  maxFeeMsat: digits.nullable(),
  paymentHash: hash.nullable(),
  /** What `satway resume` takes, when the outcome is `unknown` or `paid_not_delivered`. */
  resume: hash.nullable(),
  /** Of a question to the operator that has no answer yet. */
  approvalId: z.string().nullable(),
  dryRun: z.boolean(),
  /** With `dryRun`: what a call would do. */
  quote: z.enum(['free', 'covered', 'payable', 'refused']).nullable(),
  /** With `dryRun`: why the operator would be asked before paying; `null`: nobody would be. */
  asks: z.enum(['always', 'amount', 'new-host']).nullable(),
  /** The file that the body was written to. */
  output: z.string().nullable(),
  credential: z.string().nullable(),
  /** Untrusted: chosen by the server. */
  body: z.string().nullable(),
  bodyEncoding: z.enum(['utf8', 'base64']).nullable(),
  /** Whether `body` is only the beginning. */
  truncated: z.boolean(),
  error: reportedError.nullable(),
  exitCode: z.number().int(),
})

/** What can be gone on with: `satway resume --json` without a payment hash. Latest first. */
export const resumableList = z.strictObject({
  payments: z.array(
    z.strictObject({
      paymentHash: hash,
      /** `unknown`: the payment has no end yet. `paid_not_delivered`: it settled, and is owed for. */
      outcome: z.enum(['unknown', 'paid_not_delivered']),
      origin: z.string(),
      method: z.string(),
      url: z.string(),
      /** Whether `satway resume` needs the body once more. */
      hasBody: z.boolean(),
      amountMsat: digits,
      feeMsat: digits.nullable(),
      maxFeeMsat: digits,
      startedAt: moment,
    }),
  ),
})

/** What a call would cost: the tool `quote`. */
export const quoteReport = z.strictObject({
  quote: z.enum(['free', 'covered', 'payable', 'refused']).nullable(),
  method: z.string(),
  url: z.string(),
  status: z.number().int().nullable(),
  amountMsat: digits.nullable(),
  maxFeeMsat: digits.nullable(),
  paymentHash: hash.nullable(),
  payee: z.string().nullable(),
  expiresAt: moment.nullable(),
  /** Untrusted: the payee's words, at most 64 characters. */
  description: z.string().nullable(),
  service: z.string().nullable(),
  capability: z.string().nullable(),
  /** What would be asked of the operator before paying. */
  asks: z.enum(['always', 'amount', 'new-host']).nullable(),
  error: reportedError.nullable(),
  exitCode: z.number().int(),
})

const limit = z.strictObject({ limitMsat: digits.nullable(), spentMsat: digits })

/** `satway config show`. */
export const configView = z.strictObject({
  file: z.string(),
  /** By their names; `null`: not set. */
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).nullable()),
})

/** What was spent, is set aside, and may still be spent: `satway policy spending`, tool `spending`. */
export const spendingView = z.strictObject({
  /** Whether there is a sound policy. While there is none, nothing may be spent, and no limit is named. */
  inForce: z.boolean(),
  hour: limit,
  day: limit,
  total: limit,
  /** The part of it that belongs to payments which have not ended. */
  heldMsat: digits,
  payments: z.strictObject({
    settled: z.number().int(),
    unknown: z.number().int(),
    failed: z.number().int(),
  }),
  byHost: z.array(z.strictObject({ host: z.string(), spentMsat: digits })),
})

/** A token, without what is secret about it. */
export const tokenView = z.strictObject({
  id: z.string(),
  origin: z.string(),
  service: z.string().nullable(),
  capability: z.string().nullable(),
  target: z.string(),
  standing: z.enum(['new', 'good', 'owed', 'spent', 'abandoned']),
  paymentHash: hash,
  amountMsat: digits,
  feeMsat: digits,
  boughtAt: moment,
  validUntil: moment.nullable(),
  uses: z.number().int().nullable(),
  usesSeen: z.number().int(),
  enforces: z.array(z.string()),
})

/** A narrower token for somebody else. `authorization` and `environment` are secrets. */
export const delegatedToken = z.strictObject({
  origin: z.string(),
  /** The value for the header `Authorization`. */
  authorization: z.string(),
  /** `SATWAY_CREDENTIAL='…'`: what `satway get` of somebody without a wallet uses. */
  environment: z.string(),
  caveats: z.array(z.string()),
  parent: z.string(),
  expiresAt: moment.nullable(),
})

export const receiptView = z.strictObject({
  seq: z.number().int(),
  time: moment,
  kind: z.string(),
  origin: z.string().nullable(),
  method: z.string().nullable(),
  path: z.string().nullable(),
  paymentHash: hash.nullable(),
  amountMsat: digits.nullable(),
  maxFeeMsat: digits.nullable(),
  feeMsat: digits.nullable(),
  decidedBy: z.string().nullable(),
  code: z.string().nullable(),
  reason: z.string().nullable(),
  status: z.number().int().nullable(),
})

/** `satway receipts verify --json`. */
export const receiptCheck = z.strictObject({
  ok: z.boolean(),
  lines: z.number().int(),
  settled: z.number().int(),
  proven: z.number().int(),
  head: hash,
  problems: z.array(z.string()),
})

export const approvalView = z.strictObject({
  id: z.string(),
  state: z.enum(['pending', 'approved', 'denied', 'used', 'expired']),
  askedBecause: z.enum(['always', 'amount', 'new-host']),
  origin: z.string(),
  method: z.string(),
  url: z.string(),
  amountMsat: digits,
  maxFeeMsat: digits,
  payee: z.string(),
  /** Untrusted: the payee's words. */
  description: z.string(),
  capability: z.string().nullable(),
  /** Of the body that the request carries; `null`: it carries none. An approval is for this one. */
  bodySha256: hash.nullable(),
  bodyBytes: z.number().int().nullable(),
  createdAt: moment,
  expiresAt: moment,
})

/** `satway wallet status --json`, tool `wallet_status`. */
export const walletStatus = z.strictObject({
  /** The kind, such as `devnet`, `http`; `none`. */
  kind: z.string(),
  network: z.string().nullable(),
  /** Whether it answered a look-up. */
  reachable: z.boolean(),
  realMoney: z.boolean(),
  balanceMsat: digits.nullable(),
  problem: z.string().nullable(),
})

const doctorCheck = z.strictObject({
  name: z.string(),
  verdict: z.enum(['ok', 'warning', 'failure', 'skipped']),
  message: z.string(),
  advice: z.string().nullable(),
})

export const doctorReport = z.strictObject({
  ok: z.boolean(),
  checks: z.array(doctorCheck),
})

/** What may be spent, as it is in force: `satway policy show --json`. */
export const policyView = z.strictObject({
  /** `null`: there is no file, and what is built in is in force. */
  file: z.string().nullable(),
  inForce: z.boolean(),
  mistakes: z.array(z.strictObject({ path: z.string(), message: z.string() })),
  perPaymentMsat: digits.nullable(),
  maxFeeMsat: digits.nullable(),
  perHourMsat: digits.nullable(),
  perDayMsat: digits.nullable(),
  perHostMsat: digits.nullable(),
  totalMsat: digits.nullable(),
  autoUpToMsat: digits.nullable(),
  newHosts: z.enum(['allow', 'ask', 'deny']).nullable(),
  allowHosts: z.array(z.string()).nullable(),
  denyHosts: z.array(z.string()),
  allowPayees: z.array(z.string()).nullable(),
  denyPayees: z.array(z.string()),
  networks: z.array(z.string()).nullable(),
  invoices: z.boolean(),
})

export type ReportedError = z.infer<typeof reportedError>
export type CallReport = z.infer<typeof callReport>
export type ResumableList = z.infer<typeof resumableList>
export type QuoteReport = z.infer<typeof quoteReport>
export type SpendingView = z.infer<typeof spendingView>
export type TokenView = z.infer<typeof tokenView>
export type DelegatedToken = z.infer<typeof delegatedToken>
export type ReceiptView = z.infer<typeof receiptView>
export type ReceiptCheck = z.infer<typeof receiptCheck>
export type ApprovalView = z.infer<typeof approvalView>
export type WalletStatus = z.infer<typeof walletStatus>
export type DoctorCheck = z.infer<typeof doctorCheck>
export type DoctorReport = z.infer<typeof doctorReport>
export type PolicyView = z.infer<typeof policyView>
