export type { Fields } from './answer-fields.ts'
export {
  asFields,
  readFields,
  readFieldsList,
  readMsat,
  readPreimage,
  readSeconds,
} from './answer-fields.ts'
export { isThisMachine, requireBaseUrl } from './base-url.ts'
export { inTime } from './in-time.ts'
export { messagesOf } from './message-stream.ts'
export type {
  LinkReply,
  LinkRequest,
  LinkSocket,
  LinkStream,
} from './node-link.ts'
export { NodeLink } from './node-link.ts'
export type { WalletOptions } from './option-checks.ts'
export {
  readWalletOptions,
  requireHeaderText,
  requireMs,
  requireNetwork,
} from './option-checks.ts'
export type { InvoiceOrder, PayeeDriver } from './payee.ts'
export { createPayee } from './payee.ts'
export type { Order, PayerDriver, Told } from './payer.ts'
export { createPayer } from './payer.ts'
export { refused, unavailable } from './unavailable.ts'
export { unlessKnown } from './unless-known.ts'
export { untilAborted } from './until-aborted.ts'
export { whyNotConnected } from './why-not-connected.ts'
