import type { Fields } from '../adapter/index.ts'
import { inTime } from '../adapter/index.ts'
import type { WalletFacts } from '../index.ts'
import type { Answer, Store } from './greenfield.ts'
import { ask, noAnswer } from './greenfield.ts'
import { mayUseNode, powersOf } from './powers.ts'

/** No invoice has this hash: who asks for it hears whether the node answers. */
const noHash = '0'.repeat(64)
const internalNode = 'btcpay.server.canuseinternallightningnode'

/** @throws {L402Error} NODE_UNAVAILABLE, with what to mend. */
export async function examineStore(
  store: Store & { readonly storeId: string; readonly timeoutMs: number },
  caller: AbortSignal | undefined,
): Promise<WalletFacts> {
  const { kind, link, path, storeId, timeoutMs } = store
  const notReadyOf = (node: Answer): string | undefined => {
    if (node.says === 'done') return undefined
    if (node.says === 'problem' && node.code === 'invoice-not-found') return undefined
    if (node.says === 'problem' && node.code === 'lightning-node-unavailable') {
      return 'its Lightning node cannot be reached'
    }
    throw noAnswer(kind, node)
  }

  return inTime(kind, timeoutMs, caller, async (signal) => {
    const get = (where: string): Promise<Answer> =>
      ask(store, { method: 'GET', path: where }, signal)
    const key = await get('/api/v1/api-keys/current')
    if (key.says !== 'done') throw noAnswer(kind, key)
    const permissions = permissionsOf(key.fields)
    const powers = powersOf(permissions, storeId)
    if (powers.receive !== true && powers.spend !== true) {
      return { network: undefined, notReady: undefined, powers, nowSeconds: link.serverSeconds }
    }
    const usesNode = mayUseNode(permissions, storeId)
    const node = await get(usesNode ? `${path}/info` : `${path}/invoices/${noHash}`)
    // The node of the whole server pays for administrators alone, whatever the key says.
    const isOthers =
      node.says === 'problem' &&
      node.code === 'missing-permission' &&
      node.permission === internalNode
    return {
      network: undefined,
      notReady: isOthers ? undefined : notReadyOf(node),
      powers: isOthers ? powersOf(permissions, storeId, true) : powers,
      nowSeconds: link.serverSeconds,
    }
  })
}

function permissionsOf(fields: Fields): readonly string[] {
  const { permissions } = fields
  if (!Array.isArray(permissions)) return []
  return permissions.filter((one): one is string => typeof one === 'string')
}
