import type { IncomingMessage } from 'node:http'
import type { Msat } from 'satway'
import { isL402Error, msat, parseAmount } from 'satway'
import { ProxyProblem } from './proxy-problem.ts'

/** What a program asks to be paid. */
export type Order = {
  readonly invoice: string
  /** The most that it may cost, fee included. */
  readonly maxCostMsat?: Msat
  /** The most that the route may take. */
  readonly maxFeeMsat?: Msat
}

/** Longest body of a request, in bytes. */
export const maxBodyBytes = 16_384

const limits = { max_cost: 'maxCostMsat', max_fee: 'maxFeeMsat' } as const

/**
 * Reads the body of an order.
 *
 * @throws {ProxyProblem} PROXY_MEDIA_TYPE, PROXY_TOO_LARGE above 16 KiB, PROXY_MALFORMED.
 * @spec agent.md R-WPX-4
 */
export async function readOrder(incoming: IncomingMessage): Promise<Order> {
  const mediaType = (incoming.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase()
  if (mediaType !== 'application/json' || incoming.headers['content-encoding'] !== undefined) {
    throw new ProxyProblem('PROXY_MEDIA_TYPE', 'The body is not declared to be plain JSON.')
  }
  if (Number(incoming.headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge()
  return parseOrder(await readBody(incoming))
}

async function readBody(incoming: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > maxBodyBytes) throw tooLarge()
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof ProxyProblem) throw error
    throw malformed('The body broke off.') // whoever sent it is gone
  }
  return Buffer.concat(chunks)
}

/**
 * Reads an order: one JSON object with `invoice`, and no member that is not known here or stands
 * there twice. `max_cost` and `max_fee` are text with a unit; with `_msat` after their names they are
 * whole msat, as a number or as digits.
 *
 * @throws {ProxyProblem} PROXY_MALFORMED
 */
export function parseOrder(bytes: Uint8Array): Order {
  const members = readMembers(bytes)
  const order: { invoice?: string; maxCostMsat?: Msat; maxFeeMsat?: Msat } = {}
  for (const [name, value] of members) {
    if (name === 'invoice') {
      order.invoice = readInvoice(value)
      continue
    }
    const [limit, isMsat] = limitOf(name)
    if (order[limit] !== undefined)
      throw malformed(`Two members set the limit of ${name.slice(0, 8)}.`)
    order[limit] = isMsat ? readMsat(name, value) : readAmount(name, value)
  }
  const { invoice } = order
  if (invoice === undefined) throw malformed('The member "invoice" is missing.')
  return { ...order, invoice }
}

function readMembers(bytes: Uint8Array): readonly (readonly [string, unknown])[] {
  const text = decode(bytes)
  const value = parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed('The body is not a JSON object.')
  }
  const members = Object.entries(value)
  if (members.some(([, member]) => typeof member === 'object' || typeof member === 'boolean')) {
    throw malformed('The members are not all text or numbers.')
  }
  // JSON.parse keeps the last of two members of one name. In a flat object every colon outside of a
  // text belongs to one member as it was written.
  const colons = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').split(':').length - 1
  if (colons !== members.length) {
    throw malformed('A member is there twice.')
  }
  return members
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw malformed('The body is not UTF-8.')
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw malformed('The body is not JSON.')
  }
}

function readInvoice(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw malformed('The member "invoice" is not text.')
}

function limitOf(name: string): readonly [(typeof limits)[keyof typeof limits], boolean] {
  for (const [plain, limit] of Object.entries(limits)) {
    if (name === plain) return [limit, false]
    if (name === `${plain}_msat`) return [limit, true]
  }
  throw malformed('There is a member that is not known here.')
}

function readAmount(name: string, value: unknown): Msat {
  try {
    if (typeof value === 'string') return parseAmount(value)
  } catch (error) {
    if (!isL402Error(error)) throw error
  }
  throw malformed(`The member "${name}" is not an amount with its unit, such as "100 sat".`)
}

function readMsat(name: string, value: unknown): Msat {
  const digits = typeof value === 'number' && Number.isSafeInteger(value) ? `${value}` : value
  if (typeof digits === 'string' && /^\d{1,18}$/.test(digits)) return msat(BigInt(digits))
  throw malformed(`The member "${name}" is not whole msat.`)
}

function malformed(detail: string): ProxyProblem {
  return new ProxyProblem('PROXY_MALFORMED', detail)
}

function tooLarge(): ProxyProblem {
  // The rest of it is not waited for.
  return new ProxyProblem('PROXY_TOO_LARGE', 'The body is too large.', { connection: 'close' })
}
