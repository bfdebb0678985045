import { concatBytes, decodeHex, encodeHex, encodeUtf8, randomBytes } from '../../bytes/index.ts'
import { isL402Error } from '../../errors.ts'
import { decodeMacaroon, encodeMacaroon, mint, verify } from '../../macaroon/index.ts'
import type { GrpcStatus } from './lnd-messages.ts'
import { statuses } from './lnd-messages.ts'

/** What allows one call: its URI, or an action on an entity. */
export type Allowance = {
  readonly uri: string
  readonly entity: string
  readonly action: string
}

/** The macaroons of one lnd. */
export class LndMacaroons {
  readonly #rootKey = randomBytes(32)
  /** By identifier in hex. */
  readonly #permissions = new Map<string, ReadonlySet<string>>()

  /** @param permissions - `offchain:read`, `uri:/lnrpc.Lightning/AddInvoice`. */
  bake(permissions: readonly string[]): Uint8Array {
    const identifier = identifierOf(permissions)
    this.#permissions.set(encodeHex(identifier), new Set(permissions))
    return encodeMacaroon(mint({ rootKey: this.#rootKey, identifier, location: 'lnd' }))
  }

  /** Why lnd turns a call away. `undefined`: it does not. */
  refusal(
    header: string | string[] | undefined,
    { uri, entity, action }: Allowance,
    nowSeconds: number,
  ): GrpcStatus | undefined {
    if (typeof header !== 'string' || header === '') return statuses.noMacaroon
    if (!/^(?:[0-9a-f]{2})+$/i.test(header)) return statuses.notHex
    let identifier: Uint8Array
    let caveats: readonly string[]
    try {
      const macaroon = decodeMacaroon(decodeHex(header))
      identifier = macaroon.identifier
      caveats = verify(macaroon, this.#rootKey).map(({ text }) => text)
    } catch (error) {
      const isForged = isL402Error(error, 'MACAROON_SIGNATURE')
      return isForged ? statuses.otherKey : statuses.badMacaroon
    }
    const unmet = caveats.map((text) => unmetBy(text, nowSeconds)).find((status) => status)
    if (unmet !== undefined) return unmet
    const permissions = this.#permissions.get(encodeHex(identifier))
    const isAllowed = permissions?.has(`${entity}:${action}`) || permissions?.has(`uri:${uri}`)
    return isAllowed === true ? undefined : statuses.permissionDenied
  }
}

function unmetBy(caveat: string, nowSeconds: number): GrpcStatus | undefined {
  const time = /^time-before (.*)$/.exec(caveat)?.[1]
  const says = (why: string): GrpcStatus => [2, `caveat "${caveat}" not satisfied: ${why}`]
  if (time === undefined) return says('caveat not recognized')
  return Date.parse(time) / 1000 > nowSeconds ? undefined : says('macaroon has expired')
}

/** As the macaroon bakery writes it: version 3, then a nonce, the root key's number and the operations. */
function identifierOf(permissions: readonly string[]): Uint8Array {
  const actions = new Map<string, string[]>()
  for (const permission of permissions) {
    const at = permission.indexOf(':')
    const entity = permission.slice(0, at)
    actions.set(entity, [...(actions.get(entity) ?? []), permission.slice(at + 1)])
  }
  const operations = [...actions].map(([entity, names]) =>
    field(3, field(1, encodeUtf8(entity)), ...names.map((action) => field(2, encodeUtf8(action)))),
  )
  const nonce = field(1, randomBytes(16))
  return concatBytes(Uint8Array.of(3), nonce, field(2, encodeUtf8('0')), ...operations)
}

/** A field of protocol buffers that holds bytes. */
function field(number: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = concatBytes(...parts)
  const length: number[] = []
  let rest = bytes.length
  for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80)
  length.push(rest)
  return concatBytes(Uint8Array.of(number * 8 + 2, ...length), bytes)
}
