import { encodeHex, encodeUtf8, sha256 } from '../../bytes/index.ts'
import type { WalletOptions } from '../adapter/index.ts'
import { createPayee, createPayer } from '../adapter/index.ts'
import type { Payee, Payer, Wallet } from '../index.ts'
import { connectClnrest } from './clnrest.ts'
import { examineNode } from './examine.ts'
import { createPayeeDriver } from './invoices.ts'
import { createPayerDriver } from './payments.ts'
import { kind } from './rpc.ts'
import { readOptions } from './settings.ts'
import { connectUnixSocket } from './unix-socket.ts'

export type ClnOptions = WalletOptions & {
  /** Of its REST interface (clnrest): `https://host:3010`. http on this machine only. */
  readonly url?: string
  /** Or the path of its Unix socket, `lightning-rpc`: whoever may open that may do everything. */
  readonly socketPath?: string
  /** As `lightning-cli createrune` prints it; not for a socket. Secret. */
  readonly rune?: string
  /** PEM: `ca.pem` or `server.pem`. Without one, what the system trusts. */
  readonly certificate?: string
  /**
   * How long the end of a payment is waited for, in ms; then it is unknown. The node looks for routes
   * during four fifths of it. Default 75 000.
   */
  readonly orderTimeoutMs?: number
}

export type ClnWallet = Wallet & { readonly payee: Payee; readonly payer: Payer }

/**
 * A Core Lightning node, over clnrest with a rune, or over its Unix socket. It pays by `xpay`, or by
 * `pay` where the node has no other or the rune allows no other.
 *
 * Nothing is connected before the first call.
 *
 * @throws {RangeError} for an option that is not as its type says; never with the text of a secret.
 * @spec wallets.md R-CLN-1 to R-CLN-20
 * @example
 * const wallet = createCln({ url: 'https://127.0.0.1:3010', rune, certificate, network: 'regtest' })
 */
export function createCln(options: ClnOptions): ClnWallet {
  const settings = readOptions(options)
  const { place, network } = settings
  const rpc = place.via === 'clnrest' ? connectClnrest(place) : connectUnixSocket(place.path)
  // The rune is not part of it: another rune of the same node pays from the same purse.
  const name = place.via === 'clnrest' ? place.url : `unix:${place.path}`
  const id = encodeHex(sha256(encodeUtf8(`${kind}:${name}`)))
  return {
    kind,
    network,
    payee: createPayee(createPayeeDriver(rpc, settings)),
    payer: createPayer(createPayerDriver(rpc, settings, id)),
    examine: (signal) => examineNode(rpc, settings, signal),
    close: () => rpc.close(),
  }
}
