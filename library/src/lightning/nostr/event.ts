import { schnorr } from '@noble/curves/secp256k1.js'
import { decodeHex, encodeHex, encodeUtf8, sha256 } from '../../bytes/index.ts'
import type { Signer, Verifier } from './signature.ts'

/** The one thing that Nostr is made of, as it goes over the wire (NIP-01). */
export type NostrEvent = {
  readonly id: string
  readonly pubkey: string
  readonly created_at: number
  readonly kind: number
  readonly tags: readonly (readonly string[])[]
  readonly content: string
  readonly sig: string
}

/** An event that nobody has signed yet. */
export type EventDraft = Pick<NostrEvent, 'created_at' | 'kind' | 'tags' | 'content'>

/** Four times what the longest answer of NIP-44 takes. */
const maxContent = 350_000
const maxTags = 100
const maxTagItems = 32
const maxKind = 65_535

/** Makes an event of a draft. */
export function signEvent(draft: EventDraft, signer: Signer): NostrEvent {
  const { created_at, kind, tags, content } = draft
  const pubkey = signer.publicKey
  const id = eventId({ pubkey, created_at, kind, tags, content })
  const sig = encodeHex(signer.sign(decodeHex(id)))
  return { id, pubkey, created_at, kind, tags, content, sig }
}

/**
 * Reads the form of an event. Total. Whether it is of whom it says is for {@link isAuthentic}, which
 * costs a thousand times as much.
 *
 * @returns `undefined` for what is none.
 */
export function readEvent(value: unknown): NostrEvent | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { id, pubkey, created_at, kind, tags, content, sig } = value as Record<string, unknown>
  if (!isHex(id, 64) || !isHex(pubkey, 64) || !isHex(sig, 128)) return undefined
  if (!isNatural(created_at, Number.MAX_SAFE_INTEGER) || !isNatural(kind, maxKind)) return undefined
  if (typeof content !== 'string' || content.length > maxContent) return undefined
  if (!Array.isArray(tags) || tags.length > maxTags || !tags.every(isTag)) return undefined
  return { id, pubkey, created_at, kind, tags: tags as readonly string[][], content, sig }
}

/**
 * Whether the id of an event is that of its content, and the signature its author's.
 *
 * @param verifies - Of the event's author, where it was prepared.
 */
export function isAuthentic(event: NostrEvent, verifies?: Verifier): boolean {
  if (eventId(event) !== event.id) return false
  const message = decodeHex(event.id)
  const signature = decodeHex(event.sig)
  if (verifies !== undefined) return verifies(message, signature)
  return schnorr.verify(signature, message, decodeHex(event.pubkey))
}

/** Whether an event has a tag of this name and value. */
export function hasTag({ tags }: NostrEvent, name: string, value: string): boolean {
  return tags.some((tag) => tag[0] === name && tag[1] === value)
}

function eventId(event: EventDraft & Pick<NostrEvent, 'pubkey'>): string {
  const { pubkey, created_at, kind, tags, content } = event
  return encodeHex(sha256(encodeUtf8(JSON.stringify([0, pubkey, created_at, kind, tags, content]))))
}

function isTag(value: unknown): boolean {
  if (!Array.isArray(value) || value.length > maxTagItems) return false
  return value.every((item) => typeof item === 'string')
}

function isHex(value: unknown, digits: number): value is string {
  return typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/.test(value)
}

function isNatural(value: unknown, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max
}
