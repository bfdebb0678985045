import type { Agent, AgentOptions, AskHow, Step } from '../agent/index.ts'
import { openAgent } from '../agent/index.ts'
import type { Given } from '../cli/command.ts'
import { UsageMistake } from '../cli/failure.ts'
import type { Screen } from '../cli/screen.ts'
import { openScreen } from '../cli/screen.ts'
import { readSeconds } from './limits.ts'
import { createNarrator } from './narration.ts'
import type { Patience } from './patience.ts'
import { openPatience } from './patience.ts'
import type { Tally } from './tally.ts'
import { createTally } from './tally.ts'
import { createWaitTeller } from './wait-teller.ts'

/** What a call needs around it, from the command line. */
export type Setting = {
  readonly agent: Agent
  readonly patience: Patience
  readonly tally: Tally
  /** Standard error. */
  readonly screen: Screen
}

/**
 * Opens what a call needs, and closes it when the call is over.
 *
 * @throws {UsageMistake} for flags that contradict each other or have no sense.
 */
export async function withSetting<T>(
  given: Given,
  act: (setting: Setting) => Promise<T>,
): Promise<T> {
  const options = readAgentOptions(given)
  const timeoutSeconds = readSeconds('timeout', given.text('timeout') ?? '60')
  const screen = openScreen(process.stderr)
  if (options.verifyTls === false && !given.has('quiet')) {
    screen.write(`${screen.warn('--insecure:')} nobody knows who answers, nor who reads along.\n`)
  }
  const patience = openPatience(timeoutSeconds)
  const tally = createTally()
  const narrate = given.has('verbose') ? createNarrator(screen) : () => undefined
  const tellWait = given.has('quiet') ? () => undefined : createWaitTeller(screen)
  const watch = (step: Step): void => {
    patience.watch(step)
    tally.watch(step)
    narrate(step)
    tellWait(step)
  }
  try {
    const agent = await openAgent({ ...options, watch })
    try {
      return await act({ agent, patience, tally, screen })
    } finally {
      await agent.close()
    }
  } finally {
    patience.end()
  }
}

function readAgentOptions(given: Given): AgentOptions {
  const wallet = given.text('wallet')
  const credential = given.text('use-credential') ?? (process.env['SATWAY_CREDENTIAL'] || undefined)
  if (wallet !== undefined && credential !== undefined) {
    const where = given.has('use-credential') ? '--use-credential' : 'SATWAY_CREDENTIAL'
    throw new UsageMistake(`--wallet and ${where}: whoever uses a credential never pays`)
  }
  const seconds = given.text('payment-timeout')
  return {
    ask: readAsk(given),
    ...(wallet !== undefined && { wallet }),
    ...(credential !== undefined && { credential }),
    ...(seconds !== undefined && {
      paymentTimeoutMs: 1000 * readSeconds('payment-timeout', seconds),
    }),
    verifyTls: !given.has('insecure'),
  }
}

/** Who sits in front of a terminal is asked there. Others find the question in the queue. */
function readAsk(given: Given): AskHow {
  const wait = given.text('approval-wait')
  if (wait !== undefined && given.has('ask')) {
    throw new UsageMistake('--ask asks here, --approval-wait waits for somebody else: give one')
  }
  if (wait !== undefined) {
    const waitSeconds = wait === '0' ? 0 : readSeconds('approval-wait', wait)
    return { kind: 'queue', waitSeconds }
  }
  return { kind: given.has('ask') || process.stderr.isTTY === true ? 'terminal' : 'queue' }
}
