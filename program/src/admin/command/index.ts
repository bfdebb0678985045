export { runHealth, runInfo, runStats, runTransactionsList } from './ledger-commands.ts'
export { runMacaroon } from './macaroon-command.ts'
export { runRevocationsList, runRevoke, runUnrevoke } from './revocation-commands.ts'
export {
  runReload,
  runServicesCreate,
  runServicesDelete,
  runServicesList,
  runServicesReplace,
  runServicesShow,
} from './service-commands.ts'
export type { Terminal } from './terminal.ts'
export { runTokensList, runTokensShow } from './token-commands.ts'
