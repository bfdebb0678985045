export { lockState } from './lock.ts'
export { openState } from './open-state.ts'
export type {
  DayStats,
  Denial,
  OpenSale,
  State,
  StateOptions,
  StoredService,
  Transaction,
  TransactionFilter,
} from './state.ts'
export { StateFileError } from './state-file-error.ts'
