import { closeSync, openSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { formatMsat, msat } from 'satway'
import type { Proposal } from 'satway/client'
import { isAgentRun } from '../cli/agent-run.ts'
import { bodyWords, wholeRequest } from '../cli/asked-about.ts'
import { printable } from '../cli/printable.ts'
import { pad, wrap } from '../cli/screen.ts'
import type { Terminal, TerminalAnswer } from './approver.ts'
import type { Environment } from './home.ts'

/** How long somebody has to answer. */
const patienceMs = 60_000
/** Columns of what is told beside its name: a terminal of 80 shows it without breaking it anew. */
const width = 66

/** Two ends of one terminal. */
type Ends = { readonly input: Readable; readonly output: Writable; close(): void }

/**
 * The terminal of this process: the one that controls it, so that a question is answered by a person
 * and not by what is piped in; or standard input and error, where both are one.
 *
 * One question at a time: two would be answered by one `y`.
 *
 * @spec agent.md R-AGT-30
 */
export function openTerminal(connect: () => Promise<Ends | undefined>): Terminal {
  let last: Promise<unknown> = Promise.resolve()
  return {
    ask: (proposal, signal) => {
      const answer = last.then(() => askOnce(connect, proposal, signal))
      last = answer.catch(() => undefined)
      return answer
    },
  }
}

/**
 * The same, or nobody where an agent runs: on whatever terminal it has, it is the agent that types.
 *
 * @spec agent.md R-AGT-30
 */
export function terminalOf(
  environment: Environment,
  connect: () => Promise<Ends | undefined> = connectTerminal,
): Terminal {
  return openTerminal(isAgentRun(environment) ? async () => undefined : connect)
}

async function askOnce(
  connect: () => Promise<Ends | undefined>,
  proposal: Proposal,
  signal: AbortSignal | undefined,
): Promise<TerminalAnswer | undefined> {
  const ends = await connect()
  if (ends === undefined) return undefined
  const { createInterface } = await import('node:readline')
  const line = createInterface({ input: ends.input, output: ends.output, terminal: false })
  const tooLate = AbortSignal.timeout(patienceMs)
  const over = signal === undefined ? tooLate : AbortSignal.any([signal, tooLate])
  try {
    ends.output.write(questionOf(proposal))
    const text = await new Promise<string | undefined>((resolve) => {
      line.once('line', resolve)
      line.once('close', () => resolve(undefined))
      over.addEventListener('abort', () => resolve(undefined), { once: true })
      if (over.aborted) resolve(undefined)
    })
    if (text === undefined) ends.output.write('\nNo answer: nothing is paid now.\n')
    return readAnswer(text)
  } finally {
    line.close()
    ends.close()
  }
}

/** Only what is clearly a yes is one. */
export function readAnswer(text: string | undefined): TerminalAnswer {
  const word = text?.trim() ?? ''
  if (/^(?:y|yes)$/i.test(word)) return 'yes'
  return /^(?:n|no)$/i.test(word) ? 'no' : 'unsure'
}

/** What somebody has to know to decide. Words of strangers are in quotes, and made harmless. */
export function questionOf(proposal: Proposal): string {
  const { amountMsat, maxFeeMsat, origin, payee, description, capability } = proposal
  const most = msat(amountMsat + maxFeeMsat)
  const body = bodyWords(proposal)
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['at most', `${formatMsat(most)}, the fee of the route included`],
    ['for', wholeRequest(proposal)],
    ['body', body],
    ['sold as', capability === undefined ? undefined : `“${printable(capability)}”`],
    ['to node', payee],
    ['it says', description === '' ? undefined : `“${printable(description)}”`],
  ]
  const lines = facts.flatMap(([name, value]) =>
    value === undefined
      ? []
      : wrap(value, width).map((line, i) => `  ${pad(i === 0 ? name : '', 9)}  ${line}`),
  )
  const first = `Pay ${formatMsat(amountMsat)} to ${printable(origin)}? ${whyAsked[proposal.askedBecause]}`
  return `${[first, ...lines].join('\n')}\nPay? [y/N] `
}

const whyAsked: Readonly<Record<Proposal['askedBecause'], string>> = {
  always: 'The policy asks about every payment.',
  amount: 'It costs more than the policy allows unasked.',
  'new-host': 'Nothing was ever paid there.',
}

/** Opened anew for every question: an open terminal would keep the process from ending. */
async function connectTerminal(): Promise<Ends | undefined> {
  const { ReadStream, WriteStream, isatty } = await import('node:tty')
  if (process.platform !== 'win32') {
    try {
      const descriptor = openSync('/dev/tty', 'r+')
      if (isatty(descriptor)) {
        const input = new ReadStream(descriptor)
        const output = new WriteStream(openSync('/dev/tty', 'w'))
        return {
          input,
          output,
          close: () => {
            input.destroy()
            output.destroy()
          },
        }
      }
      closeSync(descriptor)
    } catch {
      // This process has no terminal of its own.
    }
  }
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined
  return { input: process.stdin, output: process.stderr, close: () => process.stdin.pause() }
}
