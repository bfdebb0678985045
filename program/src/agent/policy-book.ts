import type { PolicyView } from '../schema/index.ts'
import type { FilePolicy } from './policy-rules.ts'

/** The operator's policy, as its file says at every moment. */
export type PolicyBook = {
  /**
   * What is in force. Looks at the file again when it changed.
   *
   * @throws {L402Error} CONFIG_INVALID while the file cannot be read or has a mistake: nothing is
   *   paid then.
   */
  current(): FilePolicy
  view(): PolicyView
}
