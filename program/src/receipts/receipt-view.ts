import type { Receipt, ReceiptVerdict } from 'satway/journal'
import type { ReceiptCheck, ReceiptView } from '../schema/index.ts'

/** A receipt as programs see it: every member is there. */
export function viewReceipt(receipt: Receipt): ReceiptView {
  const { seq, time, kind } = receipt
  return {
    seq,
    time,
    kind,
    origin: receipt.origin ?? null,
    method: receipt.method ?? null,
    path: receipt.path ?? null,
    paymentHash: receipt.paymentHash ?? null,
    amountMsat: receipt.amountMsat ?? null,
    maxFeeMsat: receipt.maxFeeMsat ?? null,
    feeMsat: receipt.feeMsat ?? null,
    decidedBy: receipt.decidedBy ?? null,
    code: receipt.code ?? null,
    reason: receipt.reason ?? null,
    status: receipt.status ?? null,
  }
}

/** What a check found, as programs see it. */
export function viewVerdict(verdict: ReceiptVerdict): ReceiptCheck {
  const { lines, settled, proven, head, problems } = verdict
  return { ok: problems.length === 0, lines, settled, proven, head, problems: [...problems] }
}
