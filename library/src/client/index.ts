export type { FetchInit } from './call.ts'
export type { CallLimitOptions } from './call-limits.ts'
export type { Client, ClientOptions } from './client.ts'
export { createClient } from './client.ts'
export { delegate } from './delegate.ts'
export { storedTokenOf } from './foreign-token.ts'
export { hostOf } from './host.ts'
export type {
  Aim,
  Attempt,
  Begun,
  BudgetLimits,
  Exceeded,
  Ledger,
  PaymentEntry,
  PaymentIntent,
  PaymentRecord,
  PaymentState,
  Spending,
} from './ledger.ts'
export { buysTheSame } from './ledger.ts'
export { createMemoryLedger } from './memory-ledger.ts'
export { createMemoryTokenStore } from './memory-token-store.ts'
export type { CallOutcome, Outcome, Purchase } from './outcome.ts'
export type { PaidInvoice, PayInvoiceInit } from './pay-invoice.ts'
export type { Amount, Approved, PolicyOptions, Proposal } from './policy.ts'
export { isPrivateAddress } from './private-address.ts'
export type { Quote, QuotedPrice } from './quote.ts'
export type { Note, Receipts } from './receipts.ts'
export type { Reconciled } from './reconcile.ts'
export type { LimitName, RefusalReason } from './refusal.ts'
export type { ReconcilingOptions } from './resolver.ts'
export { keepReconciling } from './resolver.ts'
export { tokenOf } from './stored-token.ts'
export type {
  StoredToken,
  TokenFacts,
  TokenMark,
  TokenStanding,
  TokenStore,
} from './token-store.ts'
export { markToken, mayOpen, opensUntil } from './token-store.ts'
