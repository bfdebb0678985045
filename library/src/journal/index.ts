export type {
  Approval,
  ApprovalAnswer,
  ApprovalReason,
  ApprovalState,
  Approvals,
  Journal,
  JournalOptions,
  KeyChoice,
  PaymentBook,
  PaymentSummary,
  Receipt,
  ReceiptBook,
  ReceiptKind,
  ReceiptVerdict,
  TokenBook,
} from './journal.ts'
export { openJournal } from './open-journal.ts'
