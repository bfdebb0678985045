// A wallet service as NIP-47 describes it (text of 2026, with the `encryption` tag) and as Alby Hub 1.2x
// carries it out: its states, its codes, and its order of checks.
import { encodeHex, randomBytes } from '../../bytes/index.ts'
import type { DevnetNode } from '../../lightning/devnet/index.ts'
import type { Encryption, NostrCipher, NostrEvent } from '../../lightning/nostr/index.ts'
import {
  createCipher,
  createSigner,
  hasTag,
  publicKeyOf,
  signEvent,
} from '../../lightning/nostr/index.ts'
import type { LookAlike, WireRole } from './look-alike.ts'
import type { MethodAnswer } from './nwc-methods.ts'
import { NwcMethods } from './nwc-methods.ts'
import type { RelayClient, RelayLookAlike, RelayLookAlikeOptions } from './relay.ts'
import { serveRelay } from './relay.ts'
import type { WireFault } from './wire-fault.ts'

export type NwcLookAlikeOptions = {
  /** What it says that it speaks. `v`: as drafts from before the tag `encryption` did. */
  readonly speaks?: readonly Encryption[] | 'v' | 'nothing'
  /** What the connection may do. Default: all that is here. */
  readonly methods?: readonly string[]
  /** What it tells without being asked. Default: `payment_received`. */
  readonly notifications?: readonly string[]
  readonly budgetMsat?: bigint
  /** Whether it publishes what it can. Default: yes. */
  readonly publishesInfo?: boolean
  /** Whether it tells a stranger that it is one (NIP-47), or keeps silent (Alby Hub). Default: silent. */
  readonly answersStrangers?: boolean
  /** How many relays it listens on. Default 1. */
  readonly relays?: number
  readonly relay?: RelayLookAlikeOptions
  /** Seconds since 1970. Default: the system's clock. */
  readonly now?: () => number
}

export type NwcLookAlike = LookAlike & {
  readonly walletPubkey: string
  /** The secret key of the wallet, to sign what it would not. */
  readonly walletSecret: Uint8Array
  /** The secret key of the connection, in hex. */
  readonly secret: string
  readonly relays: readonly RelayLookAlike[]
  /** As a wallet hands it out, with the secret in it. */
  readonly uri: string
  /** What it answers to the next request instead: the event that it would send, changed. */
  alter(change: (event: NostrEvent) => readonly NostrEvent[]): void
}

const kinds = { info: 13_194, request: 23_194, response: 23_195 } as const
const allMethods = ['pay_invoice', 'get_balance', 'make_invoice', 'lookup_invoice', 'get_info']
/** A request to pay or to be paid that is older is left alone. */
const maxAgeSeconds = 6 * 3600
const floodBytes = 4 * 1024 * 1024

const roles: Readonly<Record<string, WireRole>> = {
  pay_invoice: 'order',
  make_invoice: 'invoice',
}

/** Serves a wallet over a relay of its own, backed by a node of the embedded network. */
export async function serveNwc(
  node: DevnetNode,
  options: NwcLookAlikeOptions = {},
): Promise<NwcLookAlike> {
  const now = (): number => Math.floor((options.now ?? (() => Date.now() / 1000))())
  const speaks = options.speaks ?? ['nip44_v2', 'nip04']
  const walletSecret = randomBytes(32)
  const secret = randomBytes(32)
  const signer = createSigner(walletSecret)
  const walletPubkey = signer.publicKey
  const clientPubkey = publicKeyOf(secret) ?? ''
  const cipher: NostrCipher = createCipher(walletSecret, clientPubkey)
  const off = new AbortController()
  const faults = new Map<WireRole, WireFault[]>()
  const seen: { role: WireRole; method: string; path: string }[] = []
  const taken = new Set<string>()
  const changes: ((event: NostrEvent) => readonly NostrEvent[])[] = []
  const notifications = options.notifications ?? ['payment_received']
  const methods = new NwcMethods({
    node,
    methods: options.methods ?? allMethods,
    notifications,
    budgetMsat: options.budgetMsat,
    now,
    signal: off.signal,
  })
  const relays = await Promise.all(
    Array.from({ length: options.relays ?? 1 }, () => serveRelay(options.relay)),
  )

  const publish = (event: NostrEvent, way: 'whole' | 'in-pieces' = 'whole'): void => {
    for (const relay of relays) relay.publish(event, way)
  }
  const sign = (kind: number, tags: readonly (readonly string[])[], content: string): NostrEvent =>
    signEvent({ kind, created_at: now(), tags, content }, signer)
  const respond = (request: NostrEvent, content: string): NostrEvent => {
    const tags = [
      ['p', request.pubkey],
      ['e', request.id],
    ]
    return sign(kinds.response, tags, content)
  }

  const answer = (request: Request, told: MethodAnswer): NostrEvent => {
    const { method, encryption } = request
    const error = 'error' in told ? told.error : null
    const result = 'result' in told ? told.result : null
    const text = JSON.stringify({ result_type: method, error, result })
    return respond(request.event, cipher.encrypt(text, encryption))
  }

  const read = (event: NostrEvent): Request | undefined => {
    const encryption = encryptionOf(event)
    const text = cipher.decrypt(event.content)
    if (text === undefined) return undefined
    const { method, params } = JSON.parse(text) as { method: string; params: Request['params'] }
    return { event, encryption, method, params }
  }

  const roleOf = ({ method, params }: Request): WireRole => {
    if (method !== 'lookup_invoice') return roles[method] ?? 'other'
    return methods.isInvoice(params) ? 'invoice-look-up' : 'look-up'
  }

  const send = (event: NostrEvent): void => {
    const change = changes.shift()
    for (const one of change === undefined ? [event] : change(event)) publish(one)
  }

  const spoil = async (
    { how }: WireFault,
    request: Request,
    right: NostrEvent | undefined,
    client: RelayClient,
  ): Promise<void> => {
    const { id } = request.event
    if (how.kind === 'answer' && how.status >= 400) {
      client.send('OK', id, false, `error: ${how.status}`)
      return
    }
    if (how.kind !== 'reset' || right !== undefined) client.send('OK', id, true, '')
    switch (how.kind) {
      case 'reset':
        client.reset()
        return
      case 'hang':
        return
      case 'answer':
        publish(respond(request.event, how.body && cipher.encrypt(how.body, request.encryption)))
        return
      case 'redirect':
        publish(signEvent(right ?? answer(request, { result: {} }), createSigner(randomBytes(32))))
        return
      case 'flood':
        client.send('NOTICE', 'x'.repeat(floodBytes))
        return
      default:
        await spoilRight(how, right)
    }
  }

  const spoilRight = async (
    how: Extract<WireFault['how'], { readonly kind: 'late' | 'cut' | 'drip' | 'twice' }>,
    right: NostrEvent | undefined,
  ): Promise<void> => {
    if (right === undefined) throw new RangeError(`${how.kind}: only of what was carried out`)
    if (how.kind === 'late') await new Promise((resolve) => setTimeout(resolve, how.ms))
    if (how.kind === 'cut') {
      const { kind, tags, content } = right
      publish(sign(kind, tags, content.slice(0, Math.floor(content.length / 2))))
      return
    }
    publish(right, how.kind === 'drip' ? 'in-pieces' : 'whole')
    if (how.kind === 'twice') publish(right)
  }

  const handle = async (event: NostrEvent, client: RelayClient): Promise<'pass' | 'done'> => {
    const isForUs = event.kind === kinds.request && hasTag(event, 'p', walletPubkey)
    if (!isForUs || taken.has(event.id) || isTooOld(event, now())) return 'pass'
    taken.add(event.id)
    if (event.pubkey !== clientPubkey) {
      if (options.answersStrangers === true) refuseStranger(event)
      return 'pass'
    }
    if (!understands(speaks, encryptionOf(event))) {
      const error = { code: 'UNSUPPORTED_ENCRYPTION', message: 'invalid encryption' }
      const text = JSON.stringify({ result_type: '', error })
      send(respond(event, cipher.encrypt(text, speaks === 'v' ? 'nip44_v2' : preferred(speaks))))
      return 'pass'
    }
    const request = read(event)
    if (request === undefined) return 'pass'
    const role = roleOf(request)
    seen.push({ role, method: 'EVENT', path: request.method })
    const fault = faults.get(role)?.shift()
    if (fault === undefined) {
      client.send('OK', event.id, true, '')
      send(answer(request, await methods.call(request.method, request.params)))
      return 'done'
    }
    const right = fault.executed
      ? answer(request, await methods.call(request.method, request.params))
      : undefined
    await spoil(fault, request, right, client)
    return 'done'
  }

  const refuseStranger = (event: NostrEvent): void => {
    const theirs = createCipher(walletSecret, event.pubkey)
    const error = { code: 'UNAUTHORIZED', message: 'no wallet connected' }
    const text = JSON.stringify({ result_type: '', error })
    publish(respond(event, theirs.encrypt(text, encryptionOf(event))))
  }

  const tell = async (): Promise<void> => {
    for await (const { paymentHash, amountMsat, settledAtSeconds } of node.settlements(
      off.signal,
    )) {
      const notification = methods.received(paymentHash, amountMsat, settledAtSeconds)
      if (notification === undefined) continue
      const text = JSON.stringify({ notification_type: 'payment_received', notification })
      publish(sign(23_196, [['p', clientPubkey]], cipher.encrypt(text, 'nip04')))
      publish(sign(23_197, [['p', clientPubkey]], cipher.encrypt(text, 'nip44_v2')))
    }
  }

  for (const relay of relays) relay.guard(handle)
  if (options.publishesInfo !== false) {
    const content = [...(options.methods ?? allMethods), 'notifications'].join(' ')
    publish(sign(kinds.info, infoTags(speaks, notifications), content))
  }
  if (notifications.length > 0) tell().catch(() => undefined)

  const urls = relays.map(({ url }) => url)
  const query = urls.map((url) => `relay=${encodeURIComponent(url)}`).join('&')
  return {
    url: urls[0] ?? '',
    seen,
    inject: (role, fault) => {
      faults.set(role, [...(faults.get(role) ?? []), fault])
    },
    setReachable: async (reachable) => {
      await Promise.all(relays.map((relay) => relay.setReachable(reachable)))
    },
    close: async () => {
      off.abort()
      await Promise.all(relays.map((relay) => relay.close()))
    },
    walletPubkey,
    walletSecret,
    secret: encodeHex(secret),
    relays,
    uri: `nostr+walletconnect://${walletPubkey}?${query}&secret=${encodeHex(secret)}`,
    alter: (change) => {
      changes.push(change)
    },
  }
}

type Request = {
  readonly event: NostrEvent
  readonly encryption: Encryption
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}

type Speaks = NonNullable<NwcLookAlikeOptions['speaks']>

function infoTags(speaks: Speaks, notifications: readonly string[]): string[][] {
  const tags = notifications.length === 0 ? [] : [['notifications', notifications.join(' ')]]
  if (speaks === 'nothing') return tags
  if (speaks === 'v') return [['v', '0.0 1.0'], ...tags]
  return [['encryption', speaks.join(' ')], ...tags]
}

function encryptionOf({ tags }: NostrEvent): Encryption {
  const isNew = tags.some(
    ([name, value]) =>
      (name === 'encryption' && value === 'nip44_v2') || (name === 'v' && value === '1.0'),
  )
  return isNew ? 'nip44_v2' : 'nip04'
}

function understands(speaks: Speaks, encryption: Encryption): boolean {
  if (speaks === 'v') return true
  return (speaks === 'nothing' ? ['nip04'] : speaks).includes(encryption)
}

function preferred(speaks: Speaks): Encryption {
  return speaks.includes('nip44_v2') ? 'nip44_v2' : 'nip04'
}

function isTooOld({ created_at, tags }: NostrEvent, nowSeconds: number): boolean {
  const expiration = tags.find(([name]) => name === 'expiration')?.[1]
  const isExpired = expiration !== undefined && Number(expiration) < nowSeconds
  return isExpired || nowSeconds - created_at > maxAgeSeconds
}
