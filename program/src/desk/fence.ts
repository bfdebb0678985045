import { isAgentRun } from '../cli/agent-run.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure, UsageMistake } from '../cli/failure.ts'
import type { Desk } from './desk.ts'

/**
 * Keeps an agent from deciding what is the operator's to decide. A fence and no wall: it believes the
 * environment that a host sets for its agent.
 *
 * @throws {Failure} refused, while SATWAY_AGENT is set.
 * @spec agent.md R-CLI-8
 */
export function requireOperator({ environment }: Desk, what: string): void {
  if (!isAgentRun(environment)) return
  throw new Failure(`An agent may not ${what}: SATWAY_AGENT is set here.`, {
    exitCode: exitCodes.refused,
    advice: 'Run this command yourself, in a terminal of your own.',
  })
}

/**
 * Asks at the terminal, unless `yes` was given.
 *
 * @returns whether to go on.
 * @throws {UsageMistake} when nobody is there to be asked.
 */
export async function confirmed(desk: Desk, yes: boolean, question: string): Promise<boolean> {
  if (yes) return true
  const answer = await desk.confirm(question)
  if (answer !== undefined) return answer
  throw new UsageMistake('there is no terminal to ask at; give --yes to go on')
}
