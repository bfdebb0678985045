export { runReceiptsExport } from './export.ts'
export { runReceiptsList } from './list.ts'
export { viewReceipt, viewVerdict } from './receipt-view.ts'
export { runReceiptsVerify } from './verify.ts'
