export type { FetchInit } from './call.ts'
export type { CallLimitOptions } from './call-limits.ts'
export type { Client, ClientOptions } from './client.ts'
export { createClient } from './client.ts'
export { delegate } from './delegate.ts'
export type {
  Aim,
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
export type { Outcome, Purchase } from './outcome.ts'
export type { Amount, PolicyOptions, Proposal } from './policy.ts'
export type { Quote, QuotedPrice } from './quote.ts'
export type { LimitName, RefusalReason } from './refusal.ts'
export { tokenOf } from './stored-token.ts'
export type {
  StoredToken,
  TokenFacts,
  TokenMark,
  TokenStanding,
  TokenStore,
} from './token-store.ts'
export { markToken, mayOpen } from './token-store.ts'
