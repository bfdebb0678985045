export type { BtcpayLookAlike, BtcpayLookAlikeOptions } from './btcpay.ts'
export { serveBtcpay } from './btcpay.ts'
export type { ChargeLookAlike, ChargeLookAlikeOptions } from './charge.ts'
export { serveCharge } from './charge.ts'
export type { ClnLookAlike, ClnSocketLookAlike } from './cln.ts'
export { serveCln, serveClnSocket } from './cln.ts'
export type { ClnNodeOptions } from './cln-node.ts'
export type { FaultScript } from './fault-scripts.ts'
export { invoiceScripts, orderScripts } from './fault-scripts.ts'
export type { LnbitsLookAlike, LnbitsLookAlikeOptions } from './lnbits.ts'
export { serveLnbits } from './lnbits.ts'
export type { LndLookAlike, LndLookAlikeOptions, LndState } from './lnd.ts'
export { serveLnd } from './lnd.ts'
export type { LnurlLookAlike, LnurlLookAlikeOptions } from './lnurl.ts'
export { recordPreimages, serveLnurl } from './lnurl.ts'
export type {
  LookAlike,
  WireAnswer,
  WireRequest,
  WireRole,
  WireRoute,
} from './look-alike.ts'
export { serveLookAlike } from './look-alike.ts'
export type { NwcLookAlike, NwcLookAlikeOptions } from './nwc.ts'
export { serveNwc } from './nwc.ts'
export type { PhoenixdLookAlike, PhoenixdLookAlikeOptions } from './phoenixd.ts'
export { servePhoenixd } from './phoenixd.ts'
export type { RelayLookAlike, RelayLookAlikeOptions } from './relay.ts'
export { serveRelay } from './relay.ts'
export type { WireFault } from './wire-fault.ts'
