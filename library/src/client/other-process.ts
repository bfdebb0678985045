import type { Begun, PaymentEntry } from './ledger.ts'
import { orAborted, pause } from './locks.ts'

/** How one finds out about a payment that another process is making. */
export type Watch = {
  /** The entry as it is now. */
  readonly find: () => Promise<PaymentEntry>
  /** Whether another process may still be about to pay it, or wait for it. */
  readonly isAtWork: (entry: PaymentEntry) => boolean
  /** Asks the wallet, and writes down what it says. */
  readonly askWallet: (entry: PaymentEntry) => Promise<unknown>
  /** The longest that it can take, whatever the clock of the ledger shows. */
  readonly mostMs: number
}

const pollMs = 50
const walletPollMs = 1000
const roomPollMs = 100

/**
 * Begins a payment as soon as its host does not owe too much at once, where that may soon be so.
 *
 * @param mostMs - The longest that is waited.
 * @returns How it began or why not. Still `crowded`: there was no room.
 * @throws the reason of `signal`.
 * @spec client.md R-PAY-89
 */
export async function waitForRoom<Tried extends { readonly begun: Begun }>(
  begin: () => Promise<Tried>,
  mostMs: number,
  signal: AbortSignal | undefined,
): Promise<Tried> {
  const began = performance.now()
  for (;;) {
    const tried = await begin()
    const { begun } = tried
    if (begun.status !== 'crowded' || !begun.passes) return tried
    if (performance.now() - began > mostMs) return tried
    await pause(roomPollMs, signal)
  }
}

/**
 * Waits for a payment of another process: until it has ended, or that process can no longer be at
 * work on it.
 *
 * @returns The entry as it is then.
 * @throws the reason of `signal`.
 * @spec client.md R-PAY-84
 */
export async function waitForOther(
  { find, isAtWork, askWallet, mostMs }: Watch,
  signal: AbortSignal | undefined,
): Promise<PaymentEntry> {
  const began = performance.now()
  let askedAt = Number.NEGATIVE_INFINITY
  for (;;) {
    const entry = await orAborted(find(), signal)
    if (!isAtWork(entry)) return entry
    const elapsedMs = performance.now() - began
    if (elapsedMs > mostMs) return entry
    if (elapsedMs - askedAt >= walletPollMs) {
      askedAt = elapsedMs
      await orAborted(askWallet(entry), signal)
    } else {
      await pause(pollMs, signal)
    }
  }
}
