import type { Agent, AskPrice, Perform, ResumeCall } from '../agent/index.ts'
import type { Calls } from './calls.ts'
import type { Saves } from './download-room.ts'

/** What the tools work with. */
export type Parts = {
  readonly agent: Agent
  readonly perform: Perform
  readonly askPrice: AskPrice
  readonly resumeCall: ResumeCall
  readonly calls: Calls
  readonly saves: Saves
  /** Whether `delegate` may give a credential away. */
  readonly allowDelegate: boolean
  /** Seconds since 1970. */
  readonly now: () => number
  /** Takes one line about what was done. No secrets. */
  readonly log: (line: string) => void
}
