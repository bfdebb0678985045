import type { Step } from '../agent/index.ts'
import type { Screen } from '../cli/screen.ts'
import { wrap } from '../cli/screen.ts'

/**
 * Says, once for each question, what a call waits for, and how it is answered.
 *
 * @spec agent.md R-GET-28
 */
export function createWaitTeller(screen: Screen): (step: Step) => void {
  const told = new Set<string>()
  return (step) => {
    if (step.kind !== 'waiting' || told.has(step.approvalId)) return
    told.add(step.approvalId)
    const { approvalId, seconds } = step
    const words = `Waiting up to ${Math.ceil(seconds)} s for your answer to question ${approvalId}. In another terminal:`
    const commands = `satway approvals approve ${approvalId}, or deny ${approvalId}`
    screen.write(`${wrap(words, screen.width).join('\n')}\n  ${commands}\n`)
  }
}
