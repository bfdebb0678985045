import { setTimeout as pause } from 'node:timers/promises'
import type { Approved, Proposal } from 'satway/client'
import type { Approvals } from 'satway/journal'
import type { AskHow } from './agent.ts'

/** How a person at a terminal answers. `unsure`: not at all, or neither yes nor no. */
export type TerminalAnswer = 'yes' | 'no' | 'unsure'

/** A person at a terminal. */
export type Terminal = {
  /** @returns `undefined` when nobody is there to be asked. */
  ask(proposal: Proposal, signal: AbortSignal | undefined): Promise<TerminalAnswer | undefined>
}

export type ApproverOptions = {
  readonly ask: AskHow
  readonly approvals: Approvals
  readonly terminal: Terminal
  /** Where the caller says nothing. */
  readonly waitSeconds?: number
  /** Is told before the queue is waited for. */
  readonly waits?: (id: string, seconds: number) => void
  /** Seconds since 1970. */
  readonly now?: () => number
}

/** How often the queue is looked at while a call waits for an answer. */
const lookEveryMs = 250

/**
 * Asks the operator before a payment that the policy does not allow by itself.
 *
 * An answer that was given before, in the queue, counts first. What is asked at a terminal is in the
 * queue as well: it is answered there when nobody sits at the terminal, and the receipts say who
 * allowed what.
 *
 * @spec agent.md R-AGT-30 to R-AGT-33
 */
export function createApprover(
  options: ApproverOptions,
): (proposal: Proposal, signal?: AbortSignal) => Promise<Approved> {
  const { ask, approvals, terminal } = options
  const now = options.now ?? (() => Date.now() / 1000)

  const atTerminal = async (
    proposal: Proposal,
    id: string,
    signal: AbortSignal | undefined,
  ): Promise<Approved> => {
    const answer = await terminal.ask(proposal, signal)
    if (answer === undefined) return await inQueue(proposal, id, signal, options.waitSeconds ?? 0)
    if (answer === 'unsure') return { pendingId: id }
    const word = answer === 'yes' ? 'approved' : 'denied'
    try {
      // Somebody was faster in the queue: that answer counts.
      const question = await approvals.find(id)
      if (question?.state === 'pending') await approvals.decide(id, word, now())
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
    return await taken(proposal)
  }

  const inQueue = async (
    proposal: Proposal,
    id: string,
    signal: AbortSignal | undefined,
    waitSeconds: number,
  ): Promise<Approved> => {
    if (waitSeconds > 0) options.waits?.(id, waitSeconds)
    const until = performance.now() + waitSeconds * 1000
    for (;;) {
      const leftMs = until - performance.now()
      if (leftMs <= 0) return { pendingId: id }
      await pause(Math.min(lookEveryMs, leftMs), undefined, signal === undefined ? {} : { signal })
      const question = await approvals.find(id)
      if (question?.state !== 'pending') return await taken(proposal)
    }
  }

  /** What the queue says now. An approval is used up by this. */
  const taken = async (proposal: Proposal): Promise<Approved> => {
    const { status, id } = await approvals.ask(proposal, now())
    if (status === 'pending') return { pendingId: id }
    return status === 'approved'
  }

  return async (proposal, signal) => {
    const { status, id } = await approvals.ask(proposal, now())
    if (status !== 'pending') return status === 'approved'
    if (ask.kind === 'terminal') return await atTerminal(proposal, id, signal)
    const waitSeconds = ask.waitSeconds ?? options.waitSeconds ?? 0
    const mostSeconds = ask.mostSeconds?.() ?? Number.POSITIVE_INFINITY
    return await inQueue(proposal, id, signal, Math.min(waitSeconds, mostSeconds))
  }
}
