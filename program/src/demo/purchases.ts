import type { Client } from 'satway/client'
import { Failure } from '../cli/failure.ts'
import type { InvoiceFacts } from '../decode/invoice-facts.ts'
import type { Call, Check } from './events.ts'
import type { Sample } from './samples.ts'
import { samplePayee, samplePaymentHash } from './samples.ts'

/**
 * Asks the API to decode one invoice, and pays what it asks for.
 *
 * @throws {Failure} when the answer is not a delivery, or nothing was paid for it.
 */
export async function buy(client: Client, url: string, sample: Sample): Promise<Call> {
  const started = performance.now()
  const response = await client.fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ invoice: sample.invoice }),
  })
  const purchase = client.purchaseOf(response)
  if (!response.ok || purchase === undefined) {
    await response.body?.cancel()
    throw new Failure(`The purchase of "${sample.name}" ended with status ${response.status}.`)
  }
  const answer = (await response.json()) as InvoiceFacts
  const { amountMsat, feeMsat } = purchase
  const ms = Math.round(performance.now() - started)
  return { sample: sample.name, status: response.status, amountMsat, feeMsat, ms, answer }
}

/** Whether the answer says what the specification says. */
export function checkAnswer(answer: InvoiceFacts, sample: Sample): readonly Check[] {
  const same =
    answer.amountMsat === sample.amountMsat &&
    answer.description === sample.description &&
    answer.descriptionHash === sample.descriptionHash &&
    answer.paymentHash === samplePaymentHash &&
    answer.payee === samplePayee
  return [{ ok: same, what: 'That is what the specification says about this invoice.' }]
}

/** @throws {Failure} naming the first check that did not hold. */
export function requireAll(checks: readonly Check[]): void {
  const failed = checks.find(({ ok }) => !ok)
  if (failed !== undefined) throw new Failure(`This does not hold: ${failed.what}`)
}
