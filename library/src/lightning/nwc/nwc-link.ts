import { unavailable, untilAborted } from '../adapter/index.ts'
import type { NostrCipher, NostrEvent, Signer, Verifier } from '../nostr/index.ts'
import {
  createCipher,
  createSigner,
  createVerifier,
  hasTag,
  isAuthentic,
  NotConnected,
  Relay,
  readEvent,
  signEvent,
} from '../nostr/index.ts'
import { exchange, reasonOf } from './exchange.ts'
import { listen } from './listen.ts'
import { kind as name } from './refusals.ts'
import type { Settings } from './settings.ts'
import type { WalletInfo } from './wallet-info.ts'
import { nothingSaid, readInfo } from './wallet-info.ts'
import type { WalletAnswer } from './wallet-messages.ts'
import { readAnswer } from './wallet-messages.ts'

/** Kinds of NIP-47 events, and of the answer to a relay that asks who we are (NIP-42). */
const kinds = {
  info: 13_194,
  request: 23_194,
  response: 23_195,
  notification: 23_197,
  notificationNip04: 23_196,
  identification: 22_242,
} as const

/** What became of one request. */
export type NwcReply =
  | ({ readonly kind: 'answered'; readonly atSeconds: number } & WalletAnswer)
  /** No relay was given a byte of it. */
  | { readonly kind: 'not-sent'; readonly reason: string }
  /** It may have reached the wallet. */
  | { readonly kind: 'lost'; readonly reason: string }

type NotAsked = Extract<NwcReply, { readonly kind: 'not-sent' }>

/** How long what a wallet says of itself is relied on, in ms. */
const infoMs = 600_000
/** After these it may say something else of itself. */
const outdating: ReadonlySet<string> = new Set([
  'NOT_IMPLEMENTED',
  'RESTRICTED',
  'UNAUTHORIZED',
  'UNSUPPORTED_ENCRYPTION',
])
/** Clocks differ: the shortest time that a request says it is good for, in seconds. */
const minExpirySeconds = 60

/** Requests to one wallet, over its relays. */
export class NwcLink {
  readonly #settings: Settings
  readonly #cipher: NostrCipher
  readonly #signer: Signer
  readonly #isByWallet: Verifier
  readonly #relays: readonly Relay[]
  readonly #over = new AbortController()
  #known: { readonly info: WalletInfo; readonly atMs: number } | undefined
  #asking: Promise<WalletInfo | NotAsked> | undefined

  constructor(settings: Settings) {
    this.#settings = settings
    this.#cipher = createCipher(settings.secretKey, settings.walletPubkey)
    this.#signer = createSigner(settings.secretKey)
    this.#isByWallet = createVerifier(settings.walletPubkey)
    this.#relays = settings.relays.map(
      (url) => new Relay(url, (challenge) => this.#identify(url, challenge)),
    )
  }

  /**
   * Sends one request to every relay and takes the first answer of the wallet. Resolves always, by the
   * time the signal aborts.
   *
   * @param use - `order`: waits on for the answer when connections break, until the signal aborts.
   */
  async ask(
    method: string,
    params: Readonly<Record<string, unknown>>,
    use: 'order' | 'question',
    caller: AbortSignal,
  ): Promise<NwcReply> {
    const signal = AbortSignal.any([caller, this.#over.signal])
    const info = await this.#info(signal)
    if ('reason' in info) return info
    const { timeoutMs, askMs, orderTimeoutMs } = this.#settings
    const event = this.#request(method, params, info, use === 'order' ? orderTimeoutMs : timeoutMs)
    const reply = await exchange<NwcReply>(this.#relays, {
      event,
      filter: { kinds: [kinds.response], authors: [this.#settings.walletPubkey], '#e': [event.id] },
      read: (value) => this.#readResponse(value, event, method),
      isPatient: use === 'order',
      sendByMs: use === 'order' ? askMs : timeoutMs,
      signal,
    })
    if (reply.kind === 'answered' && outdating.has(String(reply.code))) this.#known = undefined
    return reply
  }

  /**
   * What the wallet says of itself.
   *
   * @throws {L402Error} NODE_UNAVAILABLE when no relay can be asked, in time.
   */
  async info(signal: AbortSignal): Promise<WalletInfo> {
    const info = await this.#info(signal)
    if ('reason' in info) throw unavailable(name, info.reason)
    return info
  }

  /**
   * The contents of notifications from now on, until the signal aborts: only what the relays had not
   * stored, decrypted. Ends when no relay is left.
   */
  async *notifications(info: WalletInfo, caller: AbortSignal): AsyncGenerator<string> {
    const { walletPubkey, clientPubkey } = this.#settings
    const kind = info.encryption === 'nip04' ? kinds.notificationNip04 : kinds.notification
    yield* listen(this.#relays, {
      filter: { kinds: [kind], authors: [walletPubkey], '#p': [clientPubkey], limit: 0 },
      read: (value) => {
        const event = this.#authentic(value, kind)
        return event === undefined ? undefined : this.#cipher.decrypt(event.content)
      },
      signal: AbortSignal.any([caller, this.#over.signal]),
    })
  }

  close(): void {
    this.#over.abort(new NotConnected('it was closed'))
    for (const relay of this.#relays) relay.close()
  }

  async #info(signal: AbortSignal): Promise<WalletInfo | NotAsked> {
    const known = this.#known
    if (known !== undefined && performance.now() - known.atMs < infoMs) return known.info
    this.#asking ??= this.#askInfo().finally(() => {
      this.#asking = undefined
    })
    try {
      return await untilAborted(this.#asking, signal)
    } catch (error) {
      return { kind: 'not-sent', reason: reasonOf(error) }
    }
  }

  async #askInfo(): Promise<WalletInfo | NotAsked> {
    const { walletPubkey, timeoutMs } = this.#settings
    type Found = { readonly kind: 'found'; readonly info: WalletInfo }
    const found = await exchange<Found>(this.#relays, {
      event: undefined,
      filter: { kinds: [kinds.info], authors: [walletPubkey], limit: 1 },
      read: (value) => {
        const event = this.#authentic(value, kinds.info)
        return event === undefined ? undefined : { kind: 'found', info: readInfo(event) }
      },
      isPatient: false,
      sendByMs: timeoutMs,
      signal: AbortSignal.any([this.#over.signal, AbortSignal.timeout(timeoutMs)]),
    })
    if (found.kind === 'not-sent') return found
    // It may publish it in the next moment: that it has not is not remembered.
    if (found.kind === 'lost') return nothingSaid
    this.#known = { info: found.info, atMs: performance.now() }
    return found.info
  }

  #request(
    method: string,
    params: Readonly<Record<string, unknown>>,
    { encryption, encryptionTag }: WalletInfo,
    waitMs: number,
  ): NostrEvent {
    const { walletPubkey, now } = this.#settings
    const createdAt = now()
    const expires = createdAt + Math.max(minExpirySeconds, Math.ceil(waitMs / 1000))
    const draft = {
      created_at: createdAt,
      kind: kinds.request,
      tags: [['p', walletPubkey], [...encryptionTag], ['expiration', String(expires)]],
      content: this.#cipher.encrypt(JSON.stringify({ method, params }), encryption),
    }
    return signEvent(draft, this.#signer)
  }

  #readResponse(value: unknown, request: NostrEvent, method: string): NwcReply | undefined {
    const event = this.#authentic(value, kinds.response, request.id)
    if (event === undefined) return undefined
    const text = this.#cipher.decrypt(event.content)
    const answer = text === undefined ? undefined : readAnswer(text, method)
    if (answer === undefined) return { kind: 'lost', reason: 'it answered nonsense' }
    return { kind: 'answered', atSeconds: event.created_at, ...answer }
  }

  /** An event that the wallet itself made, for us, and about one request where one is given. */
  #authentic(value: unknown, kind: number, requestId?: string): NostrEvent | undefined {
    const { walletPubkey, clientPubkey } = this.#settings
    const event = readEvent(value)
    if (event === undefined || event.kind !== kind || event.pubkey !== walletPubkey)
      return undefined
    if (kind !== kinds.info && !hasTag(event, 'p', clientPubkey)) return undefined
    if (requestId !== undefined && !hasTag(event, 'e', requestId)) return undefined
    // Also where NIP-44 authenticates the content: that says nothing of the request it answers, and a
    // relay could put an old answer under a new one.
    return isAuthentic(event, this.#isByWallet) ? event : undefined
  }

  #identify(url: string, challenge: string): NostrEvent {
    const tags = [
      ['relay', url],
      ['challenge', challenge],
    ]
    const draft = {
      created_at: this.#settings.now(),
      kind: kinds.identification,
      tags,
      content: '',
    }
    return signEvent(draft, this.#signer)
  }
}
