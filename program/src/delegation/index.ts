export type { Restrictions } from './conditions.ts'
export { runDelegate } from './delegate-command.ts'
export type { Delegation } from './make-delegation.ts'
export { makeDelegation } from './make-delegation.ts'
