export type {
  FailureReason,
  InvoiceStatus,
  Payee,
  Payer,
  PaymentOutcome,
  Settlement,
  Wallet,
  WalletFacts,
  WalletPowers,
} from './ports.ts'
