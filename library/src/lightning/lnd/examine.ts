import { encodeBase64Url, encodeHex, randomBytes } from '../../bytes/index.ts'
import type { Network } from '../../invoice/index.ts'
import type { Macaroon } from '../../macaroon/index.ts'
import type { Fields, NodeLink } from '../adapter/index.ts'
import { unavailable } from '../adapter/index.ts'
import type { WalletFacts } from '../index.ts'
import type { Said } from './lnd-answer.ts'
import { codes, kind, readAnswer, readLine, uselessAnswer, whereItIs } from './lnd-answer.ts'
import type { Permission } from './permissions.ts'
import { readPermissions } from './permissions.ts'
import type { Call } from './powers.ts'
import { allows, calls, lackOf, powersOf } from './powers.ts'

/** What lnd is doing when it is not ready. */
const states: ReadonlyMap<unknown, string> = new Map([
  ['NON_EXISTING', 'it has no wallet: make one with lncli create'],
  ['LOCKED', 'its wallet is locked: unlock it with lncli unlock'],
  ['UNLOCKED', 'it is still starting'],
  ['RPC_ACTIVE', 'it is still starting'],
  ['WAITING_TO_START', 'it waits for another lnd of its cluster'],
])
const networks: ReadonlyMap<unknown, Network> = new Map([
  ['mainnet', 'bitcoin'],
  ['testnet', 'testnet'],
  ['signet', 'signet'],
  ['regtest', 'regtest'],
  ['simnet', 'simnet'],
])

/**
 * Asks how lnd is, and reads from the macaroon what it allows. Whether lnd takes it is seen by a
 * question about a payment or an invoice that does not exist.
 *
 * @throws {L402Error} NODE_UNAVAILABLE
 */
export async function examineLnd(
  link: NodeLink,
  macaroon: Macaroon,
  signal: AbortSignal,
): Promise<WalletFacts> {
  const permissions = readPermissions(macaroon.identifier)
  const powers = powersOf(permissions)
  const { said, status } = await ask(link, '/v1/state', signal)
  // An lnd before 0.13 knows no states.
  const isOld = said?.says === 'status' && said.status.code === codes.notFound
  const state = said?.says === 'result' ? said.result['state'] : undefined
  if (!isOld && typeof state !== 'string') throw uselessAnswer(said, status)
  const base = { network: undefined, powers, nowSeconds: link.serverSeconds }
  const notReady = states.get(state) ?? lackOf(permissions)
  if (notReady !== undefined) return { ...base, notReady }

  await requireAccepted(link, permissions, signal)
  const info = await readInfo(link, permissions, signal)
  const isBehind = info?.['synced_to_chain'] === false
  return {
    ...base,
    network: networkIn(info),
    notReady: isBehind ? 'it is still reading the chain' : undefined,
  }
}

/** @throws NODE_UNAVAILABLE when lnd does not take the macaroon. */
async function requireAccepted(
  link: NodeLink,
  permissions: readonly Permission[] | undefined,
  signal: AbortSignal,
): Promise<void> {
  const hash = randomBytes(32)
  const isAllowed = (call: Call): boolean => permissions === undefined || allows(permissions, call)
  // Where it allows neither, one of them is asked all the same: the refusal says what is wrong.
  const path =
    isAllowed(calls.trackPayment) && !isAllowed(calls.lookupInvoice)
      ? `/v2/router/track/${encodeBase64Url(hash)}=`
      : `/v1/invoice/${encodeHex(hash)}`
  const { said, status } = await ask(link, path, signal)
  if (said?.says === 'status' && said.status.code === codes.notFound) {
    if (said.status.message !== 'Not Found') return
  }
  throw uselessAnswer(said, status)
}

/** What lnd tells of itself, where the macaroon allows to ask. */
async function readInfo(
  link: NodeLink,
  permissions: readonly Permission[] | undefined,
  signal: AbortSignal,
): Promise<Fields | undefined> {
  if (permissions === undefined || !allows(permissions, calls.getInfo)) return undefined
  const { said } = await ask(link, '/v1/getinfo', signal)
  return said?.says === 'result' ? said.result : undefined
}

function networkIn(info: Fields | undefined): Network | undefined {
  const chains: unknown = info?.['chains']
  const first: unknown = Array.isArray(chains) ? chains[0] : undefined
  return networks.get((first as Fields | null | undefined)?.['network'])
}

async function ask(
  link: NodeLink,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly said: Said; readonly status: number }> {
  const reply = await link.request({ method: 'GET', path }, signal)
  if (reply.kind === 'not-sent') throw unavailable(kind, reply.reason)
  // Its port for gRPC hangs up on whoever speaks HTTP/1.1.
  if (reply.kind === 'lost') throw unavailable(kind, `${reply.reason}: ${whereItIs}`)
  // What would be a stream is one error in a line.
  const said = readAnswer(reply.text)
  const line = said?.says === 'result' ? readLine(reply.text ?? '') : undefined
  return { said: line?.says === 'status' ? line : said, status: reply.status }
}
