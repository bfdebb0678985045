import { isL402Error } from '../../errors.ts'
import { unavailable } from './unavailable.ts'
import { untilAborted } from './until-aborted.ts'

/**
 * Bounds a question to a wallet by a time and by the signal of whoever asks.
 *
 * @throws {L402Error} NODE_UNAVAILABLE for whatever goes wrong, and when the signal aborts.
 */
export async function inTime<Value>(
  kind: string,
  timeoutMs: number,
  caller: AbortSignal | undefined,
  question: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  if (caller?.aborted === true) throw unavailable(kind, 'aborted')
  const limit = AbortSignal.timeout(timeoutMs)
  const signal = caller === undefined ? limit : AbortSignal.any([caller, limit])
  try {
    return await untilAborted(question(signal), signal)
  } catch (error) {
    if (isL402Error(error, 'NODE_UNAVAILABLE')) throw error
    throw unavailable(kind, signal.aborted ? 'it did not answer in time' : 'it did not answer')
  }
}
