import type { Msat } from '../../amount/index.ts'
import type { Macaroon } from '../../macaroon/index.ts'
import type { NodeLink } from '../adapter/index.ts'
import { asFields, readMsat, unavailable } from '../adapter/index.ts'
import { kind, readAnswer, uselessAnswer } from './lnd-answer.ts'
import { readPermissions } from './permissions.ts'
import { allows, calls } from './powers.ts'

/**
 * What the node has on its side of all channels; a little less than that can be sent.
 *
 * @returns `undefined`: the macaroon does not allow to ask.
 * @throws {L402Error} NODE_UNAVAILABLE
 */
export async function readBalance(
  link: NodeLink,
  macaroon: Macaroon,
  signal: AbortSignal,
): Promise<Msat | undefined> {
  const permissions = readPermissions(macaroon.identifier)
  if (permissions !== undefined && !allows(permissions, calls.channelBalance)) return undefined
  const reply = await link.request({ method: 'GET', path: '/v1/balance/channels' }, signal)
  if (reply.kind !== 'answered') throw unavailable(kind, reply.reason)
  const said = readAnswer(reply.text)
  const local = said?.says === 'result' ? asFields(said.result['local_balance']) : undefined
  const balanceMsat = readMsat(local?.['msat'])
  if (balanceMsat === undefined) throw uselessAnswer(said, reply.status)
  return balanceMsat
}
