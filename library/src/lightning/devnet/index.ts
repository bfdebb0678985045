export { createDevnet } from './devnet.ts'
export type { Devnet, DevnetNode, DevnetOptions, Fault } from './devnet.ts'
export { connectWallet, readWalletFile, serveWallet } from './wallet-endpoint.ts'
export type { WalletAddress, WalletServer } from './wallet-endpoint.ts'
