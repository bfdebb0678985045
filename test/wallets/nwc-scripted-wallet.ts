import { encodeHex } from '../../library/src/bytes/index.ts'
import type { Encryption, NostrEvent } from '../../library/src/lightning/nostr/index.ts'
import {
  createCipher,
  createSigner,
  publicKeyOf,
  signEvent,
} from '../../library/src/lightning/nostr/index.ts'
import type { NwcOptions, NwcWallet } from '../../library/src/lightning/nwc/index.ts'
import { createNwc } from '../../library/src/lightning/nwc/index.ts'
import type { RelayLookAlike } from '../../library/src/testing/look-alike/relay.ts'
import { serveRelay } from '../../library/src/testing/look-alike/relay.ts'

type Members = Readonly<Record<string, unknown>>
/** What the wallet says: the members of an answer, a text as it is, or nothing. */
export type Said = Members | string | undefined

export type ScriptedWallet = {
  readonly wallet: NwcWallet
  readonly relay: RelayLookAlike
  /** Methods that were asked for, oldest first. */
  readonly asked: readonly string[]
  readonly secret: string
  /** Publishes a notification. */
  notify(content: Members, changes?: Partial<NostrEvent>): void
  close(): Promise<void>
}

export const walletKey = new Uint8Array(32).fill(0x11)
export const clientKey = new Uint8Array(32).fill(0x22)

/** A wallet that says what a test wants it to say. */
export async function scriptWallet(
  say: (method: string, params: Members) => Said | Promise<Said>,
  options: {
    readonly info?: string
    readonly tags?: readonly (readonly string[])[]
    readonly changes?: Partial<NwcOptions>
    /** Why the relay refuses a request, by its method. */
    readonly refuses?: (method: string) => string | undefined
  } = {},
): Promise<ScriptedWallet> {
  const relay = await serveRelay()
  const signer = createSigner(walletKey)
  const walletPubkey = signer.publicKey
  const clientPubkey = publicKeyOf(clientKey) ?? ''
  const cipher = createCipher(walletKey, clientPubkey)
  const asked: string[] = []
  const now = (): number => 1_800_000_000
  const sign = (kind: number, tags: readonly (readonly string[])[], content: string): NostrEvent =>
    signEvent({ kind, created_at: now(), tags, content }, signer)

  relay.guard(async (event, client) => {
    if (event.kind !== 23_194) return 'pass'
    const request = JSON.parse(cipher.decrypt(event.content) ?? '{}')
    const { method, params } = request as { method: string; params: Members }
    asked.push(method)
    const refusal = options.refuses?.(method)
    client.send('OK', event.id, refusal === undefined, refusal ?? '')
    if (refusal !== undefined) return 'done'
    const said = await say(method, params)
    if (said === undefined) return 'done'
    const text = typeof said === 'string' ? said : JSON.stringify({ result_type: method, ...said })
    const encryption: Encryption = event.content.includes('?iv=') ? 'nip04' : 'nip44_v2'
    const tags = [
      ['p', clientPubkey],
      ['e', event.id],
    ]
    relay.publish(sign(23_195, tags, text === '' ? '' : cipher.encrypt(text, encryption)))
    return 'done'
  })
  const info = options.info ?? 'pay_invoice make_invoice lookup_invoice get_info get_balance'
  relay.publish(sign(13_194, options.tags ?? [['encryption', 'nip44_v2 nip04']], info))
  const secret = encodeHex(clientKey)
  const wallet = createNwc({
    walletPubkey,
    secret,
    relays: [relay.url],
    network: 'regtest',
    now,
    timeoutMs: 500,
    orderTimeoutMs: 1500,
    pollMs: 20,
    ...options.changes,
  })
  return {
    wallet,
    relay,
    asked,
    secret,
    notify: (content, changes = {}) => {
      const event = sign(
        changes.kind ?? 23_197,
        changes.tags ?? [['p', clientPubkey]],
        cipher.encrypt(JSON.stringify(content), changes.kind === 23_196 ? 'nip04' : 'nip44_v2'),
      )
      relay.publish({ ...event, ...changes })
    },
    close: async () => {
      wallet.close()
      await relay.close()
    },
  }
}
