import type { Msat } from '../../amount/index.ts'
import type { Preimage } from '../../invoice/index.ts'
import type { Fields, LinkReply } from '../adapter/index.ts'
import { readFields, readMsat, readPreimage } from '../adapter/index.ts'

/** What a service offers. */
export type PayRequest = {
  readonly callback: URL
  readonly minMsat: Msat
  readonly maxMsat: Msat
  /** Its hash is the description of invoices. */
  readonly metadata: string
}

/** What a service says of one invoice. */
export type Verdict =
  /** `preimage`: as it gave it; `undefined`: it gave none, or nonsense. */
  | {
      readonly says: 'settled'
      readonly preimage: Preimage | undefined
      readonly pr: string | undefined
    }
  | { readonly says: 'unsettled'; readonly pr: string | undefined }
  | { readonly says: 'not-found' }

/**
 * The JSON object that a service answered. LUD-01 gives no meaning to statuses; here an answer of another
 * than success counts as an error only.
 */
type Said = { readonly isError: boolean; readonly fields: Fields }

/** @returns `undefined` for what is no JSON object, or not sent as a success and no error either. */
export function readSaid(reply: LinkReply): Said | undefined {
  if (reply.kind !== 'answered') return undefined
  const fields = readFields(reply.text)
  if (fields === undefined) return undefined
  const isError = isText(fields['status']) && fields['status'].toUpperCase() === 'ERROR'
  const isSuccess = reply.status >= 200 && reply.status < 300
  return isError || isSuccess ? { isError, fields } : undefined
}

/** Reads what LUD-06 has a service answer first. @returns `undefined` for anything else. */
export function readPayRequest(fields: Fields): PayRequest | undefined {
  const { tag, metadata } = fields
  const callback = readUrl(fields['callback'])
  const minMsat = readMsat(fields['minSendable'])
  const maxMsat = readMsat(fields['maxSendable'])
  if (tag !== 'payRequest' || !isText(metadata) || callback === undefined) return undefined
  if (minMsat === undefined || maxMsat === undefined || minMsat > maxMsat) return undefined
  return { callback, minMsat, maxMsat, metadata }
}

/** Reads what LUD-21 has a service answer about an invoice. @returns `undefined` for anything else. */
export function readVerdict({ isError, fields }: Said): Verdict | undefined {
  const { settled, reason } = fields
  if (isError) {
    const isAbsent = isText(reason) && /\bnot[ _-]?found\b/i.test(reason)
    return isAbsent ? { says: 'not-found' } : undefined
  }
  const pr = isText(fields['pr']) && fields['pr'] !== '' ? fields['pr'] : undefined
  if (settled === false) return { says: 'unsettled', pr }
  if (settled !== true) return undefined
  return { says: 'settled', preimage: readPreimage(fields['preimage']), pr }
}

/** @returns `undefined` for what is no absolute URL. */
export function readUrl(value: unknown): URL | undefined {
  return isText(value) && value.length <= 2048 ? (URL.parse(value) ?? undefined) : undefined
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
