export { runWalletServe } from './serve-command.ts'
export { runWalletStatus, statusOf } from './status.ts'
