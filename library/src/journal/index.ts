export type {
  Approval,
  ApprovalAnswer,
  ApprovalReason,
  ApprovalState,
  Approvals,
  Journal,
  JournalOptions,
  KeyChoice,
  Receipt,
  ReceiptBook,
  ReceiptKind,
  ReceiptVerdict,
  TokenBook,
} from './journal.ts'
export { openJournal } from './open-journal.ts'
