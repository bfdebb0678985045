export type {
  FailureReason,
  InvoiceStatus,
  Payee,
  Payer,
  PaymentOutcome,
  Settlement,
} from './ports.ts'
