import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { WalletRole } from '../../library/src/lightning/wallet/index.ts'
import { leastPrivilege } from '../../library/src/lightning/wallet/index.ts'
import type { Chain } from './chain.ts'
import { startChain } from './chain.ts'
import type { Guard } from './guard.ts'
import { createGuard } from './guard.ts'
import type { LndNode } from './lnd-node.ts'
import { startLnd } from './lnd-node.ts'
import type { Programs } from './programs.ts'
import { until } from './until.ts'

/** A node with the credentials that its owner hands out. */
export type Member = LndNode & {
  /** Makes, looks up and hears of invoices, and nothing else. */
  readonly receive: Uint8Array
  /** Pays and looks payments up, and nothing else. */
  readonly pay: Uint8Array
  /** A folder with its certificate and macaroons, which can be the home of `satway`. */
  readonly home: string
  /** The files that hold the macaroons, of mode 0600. */
  readonly files: { readonly admin: string; readonly receive: string; readonly pay: string }
}

/** How a node is named as a wallet, on a command line or in a configuration. */
export function walletUri(member: Member, role: keyof Member['files']): string {
  const { files, certificateFile, port } = member
  const options = `macaroon=file:${files[role]}&cert=file:${certificateFile}&network=regtest`
  return `lnd://127.0.0.1:${port}?${options}`
}

/** A Bitcoin and Lightning network on loopback: buyer → hop → seller. */
export type Regtest = {
  readonly buyer: Member
  readonly hop: Member
  readonly seller: Member
  /** For files of whoever uses the network; removed with it. */
  readonly folder: string
  /** How long it took until a payment could be made, in ms. */
  readonly readyMs: number
  /** Adds blocks, and waits until every node that runs has seen them. */
  mine(blocks: number): Promise<void>
  /** Waits until the two channels can be used again, after one of the nodes was away. */
  untilLinked(): Promise<void>
  /** Starts one more node, without channels. */
  addNode(name: string): Promise<Member>
  /** Ends every process and removes every file. */
  close(): Promise<void>
}

/** The methods that the documented command allows for a role, and no others. */
function methodsOf(role: WalletRole): readonly string[] {
  const words = leastPrivilege('lnd', role).split(/\s+/)
  const methods = words.flatMap((word) => /^uri:(\/\S+)$/.exec(word)?.[1] ?? [])
  if (methods.length === 0) throw new Error('The advice for lnd names no methods.')
  return methods
}

/**
 * The buyer's wallet is always the same one, so that the chain can pay its first address before it
 * runs. There is nothing in it but test money.
 */
const buyerSeed =
  'able fat chat champion flag maximum survey flat bachelor sniff twist cloud people riot width salad proof patient detect narrow improve secret tennis hurdle'
const buyerAddress = 'bcrt1qrc92tf6afzgeqwsmvn0l4h9tu4vtyldahxdmva'

/** Segwit and taproot are in force from here on, and the first rewards can be spent. */
const firstBlocks = 450
const channelSat = 15_000_000
/** The far side's, so that money can flow back. */
const pushSat = 5_000_000

/**
 * Starts the network: one chain, three lnd nodes, two public channels of 15 000 000 sat, of which
 * 5 000 000 are on the far side. Everything runs on 127.0.0.1, and ends with this process.
 *
 * @param progress - Told what is being done.
 */
export async function startRegtest(
  programs: Programs,
  progress: (line: string) => void = () => undefined,
): Promise<Regtest> {
  const began = performance.now()
  const guard = createGuard()
  try {
    progress('Starting a chain and three Lightning nodes ...')
    const chain = await startChain(guard, programs.btcd, buyerAddress)
    await chain.mine(1)
    const start = (name: string, seed?: string): Promise<LndNode> =>
      startLnd(guard, programs.lnd, chain, name, seed?.split(' '))
    const [buyer, hop, seller] = await Promise.all([
      start('buyer', buyerSeed),
      start('hop'),
      start('seller'),
    ])
    const nodes = [buyer, hop, seller]

    progress('Mining, funding, opening channels ...')
    const mine = (blocks: number): Promise<void> => mineAndWait(chain, nodes, blocks)
    await fund(buyer, hop, mine)
    await Promise.all([openChannel(buyer, hop), openChannel(hop, seller)])
    await mine(6)
    const untilLinked = () => waitForRoutes(buyer, hop, seller)
    await untilLinked()

    const members = await Promise.all(nodes.map((node) => equip(guard, node)))
    const [theBuyer, theHop, theSeller] = members as [Member, Member, Member]
    const added: Member[] = []
    return {
      buyer: theBuyer,
      hop: theHop,
      seller: theSeller,
      folder: guard.folder,
      readyMs: performance.now() - began,
      mine,
      untilLinked,
      addNode: async (name) => {
        const node = await equip(guard, await start(name))
        added.push(node)
        return node
      },
      close: async () => {
        for (const node of [...members, ...added]) node.close()
        chain.close()
        await guard.close()
      },
    }
  } catch (error) {
    // Its folder goes, and what the nodes said with it.
    const said = ['btcd', 'buyer', 'hop', 'seller'].map(
      (name) => `${name}: ${guard.lastWords(name) || 'said nothing'}`,
    )
    await guard.close()
    throw new Error(`The network did not start: ${String(error)}\n${said.join('\n')}`, {
      cause: error,
    })
  }
}

/** Coins of the buyer's first address, of which the hop gets some. */
async function fund(
  buyer: LndNode,
  hop: LndNode,
  mine: (blocks: number) => Promise<void>,
): Promise<void> {
  const first = await buyer.rest<{ readonly address: string }>('/v1/newaddress')
  if (first.address !== buyerAddress) throw new Error('The wallet of the buyer is another one.')
  await mine(firstBlocks)
  const { address } = await hop.rest<{ readonly address: string }>('/v1/newaddress')
  const payment = { addr: address, amount: '100000000', sat_per_vbyte: '2' }
  await buyer.rest('/v1/transactions', payment)
  await mine(1)
}

async function openChannel(from: LndNode, to: LndNode): Promise<void> {
  await connect(from, to)
  const order = {
    node_pubkey: Buffer.from(to.nodeId, 'hex').toString('base64'),
    local_funding_amount: String(channelSat),
    push_sat: String(pushSat),
    sat_per_vbyte: '2',
  }
  // A peer that has just connected may still be told of our height.
  await until(`a channel from ${from.name} to ${to.name}`, async () => {
    await from.rest('/v1/channels', order)
    return true
  })
}

async function mineAndWait(chain: Chain, nodes: readonly LndNode[], blocks: number): Promise<void> {
  await chain.mine(blocks)
  const height = await chain.height()
  type Info = { readonly block_height: number; readonly synced_to_chain: boolean }
  for (const node of nodes) {
    await until(`${node.name} to see block ${height}`, async () => {
      const info = await node.rest<Info>('/v1/getinfo')
      return info.block_height >= height && info.synced_to_chain
    })
  }
}

/** A connection, both channels open, and a route in both directions for a large payment. */
async function waitForRoutes(buyer: LndNode, hop: LndNode, seller: LndNode): Promise<void> {
  await Promise.all([stayConnected(buyer, hop), stayConnected(hop, seller)])
  for (const [from, to] of [
    [buyer, seller],
    [seller, buyer],
  ] as const) {
    await until(`a route from ${from.name} to ${to.name}`, async () => {
      // What failed while a node was away is held against it for an hour.
      await from.rest('/v2/router/mc/reset', {})
      await from.rest(`/v1/graph/routes/${to.nodeId}/1000000`)
      return true
    })
  }
}

/** Waits until every channel of a node works; connects it where it does not do that by itself. */
async function stayConnected(from: LndNode, to: LndNode): Promise<void> {
  type Channels = { readonly channels: readonly { readonly active: boolean }[] }
  await until(`the channels of ${from.name}`, async () => {
    const { channels } = await from.rest<Channels>('/v1/channels')
    if (channels.length > 0 && channels.every(({ active }) => active)) return true
    await connect(from, to).catch(() => undefined)
    return false
  })
}

async function connect(from: LndNode, to: LndNode): Promise<void> {
  await from.rest('/v1/peers', { addr: { pubkey: to.nodeId, host: to.host }, timeout: '5' })
}

async function equip(guard: Guard, node: LndNode): Promise<Member> {
  const receive = await node.bake(methodsOf('receive'))
  const pay = await node.bake(methodsOf('pay'))
  const home = join(guard.folder, `home-of-${node.name}`)
  mkdirSync(home, { mode: 0o700 })
  const write = (name: string, content: Uint8Array | string): string => {
    const file = join(home, name)
    writeFileSync(file, content, { mode: 0o600 })
    return file
  }
  const files = {
    admin: write('admin.macaroon', node.admin),
    receive: write('receive.macaroon', receive),
    pay: write('pay.macaroon', pay),
  }
  return {
    ...node,
    home,
    certificateFile: write('tls.cert', node.certificate),
    receive,
    pay,
    files,
  }
}
