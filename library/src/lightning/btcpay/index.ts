export type { BtcpayOptions, BtcpayWallet } from './btcpay.ts'
export { createBtcpay } from './btcpay.ts'
