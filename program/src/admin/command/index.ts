export { runHealth, runInfo, runStats, runTransactionsList } from './ledger-commands.ts'
export { runMacaroon } from './macaroon-command.ts'
export {
  runReload,
  runServicesCreate,
  runServicesDelete,
  runServicesList,
  runServicesReplace,
  runServicesShow,
} from './service-commands.ts'
export type { Terminal } from './terminal.ts'
export {
  runRevocationsList,
  runRevoke,
  runTokensList,
  runTokensShow,
  runUnrevoke,
} from './token-commands.ts'
