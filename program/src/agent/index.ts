export type {
  Agent,
  AgentOptions,
  AskHow,
  AskPrice,
  BodySink,
  CallOrder,
  Perform,
  ResumeCall,
  Step,
} from './agent.ts'
export type { Environment, Home } from './home.ts'
export { homeOf } from './home.ts'
export type { Narrowing } from './narrowing.ts'
export { openAgent } from './open-agent.ts'
export { requireOutsideHome } from './outside-home.ts'
export { askPrice, perform, resumeCall } from './perform.ts'
export type { PolicyBook } from './policy-book.ts'
export { openPolicyBook } from './policy-file.ts'
export { BodyTooLong } from './report-body.ts'
export { findResumable } from './resumable.ts'
export { readSpending } from './spending.ts'
export { defaultWalletFile, satwayFolder } from './wallet.ts'
