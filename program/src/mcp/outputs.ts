import { z } from 'zod'
import { receiptView, resumableList, tokenView } from '../schema/index.ts'

// An answer of a tool is an object. Where the command line writes a list, it stands in a member.

/** Of the tool `tokens`. */
export const tokenList = z.strictObject({
  tokens: z.array(tokenView),
  /** Whether there are more than are listed. */
  truncated: z.boolean(),
  /** What the tool `resume` can go on with, latest first. */
  resumable: resumableList.shape.payments,
})

/** Of the tool `receipts`. */
export const receiptList = z.strictObject({ receipts: z.array(receiptView) })

export type TokenList = z.infer<typeof tokenList>
export type ReceiptList = z.infer<typeof receiptList>
