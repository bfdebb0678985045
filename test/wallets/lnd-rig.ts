import { msat } from '../../library/src/amount/index.ts'
import type { Invoice } from '../../library/src/invoice/index.ts'
import { decodeInvoice } from '../../library/src/invoice/index.ts'
import type { DevnetNode } from '../../library/src/lightning/devnet/index.ts'
import { createDevnet } from '../../library/src/lightning/devnet/index.ts'
import type { Payee } from '../../library/src/lightning/index.ts'
import type { LndOptions, LndWallet } from '../../library/src/lightning/lnd/index.ts'
import { createLnd } from '../../library/src/lightning/lnd/index.ts'
import { testClock } from '../../library/src/testing/index.ts'
import type { WireAnswer, WireRequest } from '../../library/src/testing/look-alike/index.ts'
import { serveLookAlike } from '../../library/src/testing/look-alike/index.ts'
import type { LndLookAlike } from '../../library/src/testing/look-alike/lnd.ts'
import { serveLnd } from '../../library/src/testing/look-alike/lnd.ts'

export const limits = { maxFeeMsat: msat(100_000n) } as const

export const receiving = [
  'uri:/lnrpc.Lightning/AddInvoice',
  'uri:/lnrpc.Lightning/LookupInvoice',
  'uri:/lnrpc.Lightning/SubscribeInvoices',
]
export const paying = [
  'uri:/routerrpc.Router/SendPaymentV2',
  'uri:/routerrpc.Router/TrackPaymentV2',
]

export type World = {
  readonly clock: ReturnType<typeof testClock>
  readonly node: DevnetNode
  readonly otherPayer: DevnetNode
  readonly payee: DevnetNode
}

/** A node that pays, another one, and one that is paid. */
export function createWorld(): World {
  const clock = testClock()
  const devnet = createDevnet({ now: clock.now })
  return {
    clock,
    node: devnet.addNode('payer', { balanceMsat: msat(10_000_000n) }),
    otherPayer: devnet.addNode('other', { balanceMsat: msat(10_000_000n) }),
    payee: devnet.addNode('payee', { balanceMsat: msat(0n) }),
  }
}

export type Served = {
  readonly lookAlike: LndLookAlike
  readonly lnd: LndWallet
  close(): Promise<void>
}

/** A look-alike of lnd over a node, and the adapter over it. */
export async function serve(
  node: DevnetNode,
  clock: { now(): number },
  permissions: readonly string[],
  options: Partial<LndOptions> = {},
): Promise<Served> {
  const lookAlike = await serveLnd(node, { now: clock.now })
  const lnd = createLnd({
    url: lookAlike.url,
    macaroon: lookAlike.bake(permissions),
    network: 'regtest',
    now: clock.now,
    ...options,
  })
  return {
    lookAlike,
    lnd,
    close: async () => {
      lnd.close()
      await lookAlike.close()
    },
  }
}

export async function invoiceOf(payee: Payee, amountMsat = 21_000n): Promise<Invoice> {
  const request = { amountMsat: msat(amountMsat), description: 'test', expirySeconds: 600 }
  return decodeInvoice((await payee.createInvoice(request)).invoice)
}

/** What a scripted lnd answers: by path of the request. */
export type Script = Readonly<Record<string, WireAnswer | ((request: WireRequest) => WireAnswer)>>

/** A server that answers what it is told to: words of lnd that no look-alike comes to say. */
export async function serveScript(
  script: Script,
  options: Partial<LndOptions> & Pick<LndOptions, 'macaroon'>,
): Promise<{ lnd: LndWallet; requests: WireRequest[]; close(): Promise<void> }> {
  const requests: WireRequest[] = []
  const server = await serveLookAlike((request) => {
    requests.push(request)
    const at = Object.keys(script).find((path) => request.path.startsWith(path))
    const answer = at === undefined ? notFound : script[at]!
    return {
      role: 'other',
      carryOut: async () => (typeof answer === 'function' ? answer(request) : answer),
    }
  })
  const lnd = createLnd({ url: server.url, network: 'regtest', timeoutMs: 2000, ...options })
  return {
    lnd,
    requests,
    close: async () => {
      lnd.close()
      await server.close()
    },
  }
}

export const notFound: WireAnswer = {
  status: 404,
  body: '{"code":5,"message":"Not Found","details":[]}',
}

/** An error of a call that answers once, as lnd writes it. */
export function unary(status: number, code: number, message: string): WireAnswer {
  return { status, body: JSON.stringify({ code, message, details: [] }) }
}

/** An error of a call that answers with a stream. */
export function stream(status: number, code: number, message: string): WireAnswer {
  return { status, body: `${JSON.stringify({ error: { code, message, details: [] } })}\n\n` }
}

export function line(result: unknown): WireAnswer {
  return { status: 200, body: `${JSON.stringify({ result })}\n` }
}

/** Baked by lnd 0.21.1 on regtest: `invoice.macaroon`, its stock macaroon for being paid. */
export const stockInvoiceMacaroon =
  '0201036c6e640258030a1001783cb1bba255ac4f62b9d4ea3ae0e61201301a160a0761646472657373120472656164' +
  '120577726974651a170a08696e766f69636573120472656164120577726974651a0f0a076f6e636861696e12047265' +
  '616400000620937861a326b0bb4eafa88fa572804f62421db8baadb9f8d40430ec7762084efe'

/** Of the same node: `admin.macaroon`. */
export const stockAdminMacaroon =
  '0201036c6e6402f801030a1003783cb1bba255ac4f62b9d4ea3ae0e61201301a160a07616464726573731204726561' +
  '64120577726974651a130a04696e666f120472656164120577726974651a170a08696e766f69636573120472656164' +
  '120577726974651a210a086d616361726f6f6e120867656e6572617465120472656164120577726974651a160a076d' +
  '657373616765120472656164120577726974651a170a086f6666636861696e120472656164120577726974651a160a' +
  '076f6e636861696e120472656164120577726974651a140a057065657273120472656164120577726974651a180a06' +
  '7369676e6572120867656e6572617465120472656164' +
  '00000620ba0b6de9a5f7f8a940499172865c523078e3f76590308ac927e91c6e361fc75f'

/** Of the same node: what this project asks people to bake for a gateway. */
export const gatewayMacaroon =
  '0201036c6e64027e030a1006783cb1bba255ac4f62b9d4ea3ae0e61201301a660a03757269121b2f6c6e7270632e4c' +
  '696768746e696e672f416464496e766f696365121e2f6c6e7270632e4c696768746e696e672f4c6f6f6b7570496e76' +
  '6f69636512222f6c6e7270632e4c696768746e696e672f537562736372696265496e766f6963657300000620' +
  '6411fee3d5e3c2ca121d73844357dc18b98f7032b03fb7569ef9b94efea89eeb'
