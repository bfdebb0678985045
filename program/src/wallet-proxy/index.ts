export { boundConnections } from './connections.ts'
export { runWalletServe } from './serve-command.ts'
export { runWalletStatus, statusOf } from './status.ts'
