import { createHash, randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { decodeIdentifier, decodeInvoice, encodeIdentifier, isL402Error } from 'satway'
import { decodeToken, encodeToken, mint, verify } from 'satway/macaroon'
import { serveSockets } from './loopback.ts'
import type { Market } from './market.ts'
import { priceMsat } from './market.ts'

/**
 * A server that says on the wire what Aperture was recorded to say, byte for byte, and that admits
 * what Aperture was seen to admit: header order, LSAT before L402, text/plain, one root key a token,
 * the last Authorization line only, an unanchored pattern, conditions it does not know skipped.
 */
export type ApertureServer = {
  readonly origin: string
  /** The Authorization lines of every request so far, in order. */
  readonly seen: readonly (readonly string[])[]
}

const service = 'svc1'
const lifetimeSeconds = 3600

export async function openAperture(market: Market): Promise<ApertureServer> {
  const secrets = new Map<string, Uint8Array>()
  const seen: string[][] = []
  const origin = await serveSockets((socket) => {
    onRequest(socket, async (lines) => {
      const authorization = lines
        .filter((line) => /^authorization:/i.test(line))
        .map((line) => line.slice('authorization:'.length).trim())
      seen.push(authorization)
      if (admits(authorization, secrets)) return served()
      return await challenge(market, secrets)
    })
  })
  return { origin, seen }
}

async function challenge(market: Market, secrets: Map<string, Uint8Array>): Promise<string> {
  const { invoice } = await market.seller.createInvoice({
    amountMsat: priceMsat,
    description: 'L402',
    expirySeconds: lifetimeSeconds,
  })
  const identifier = encodeIdentifier({
    paymentHash: decodeInvoice(invoice).paymentHash,
    tokenId: randomBytes(32),
  })
  const rootKey = randomBytes(32)
  secrets.set(sha256Hex(identifier), rootKey)
  const validUntil = Math.floor(Date.now() / 1000) + lifetimeSeconds
  const token = encodeToken(
    mint({
      rootKey,
      identifier,
      location: 'lsat',
      caveats: [
        `services=${service}:0`,
        `${service}_capabilities=`,
        `${service}_valid_until=${validUntil}`,
      ],
    }),
  )
  return [
    'HTTP/1.1 402 Payment Required',
    'Access-Control-Allow-Headers: Content-Type, Authorization, Grpc-Metadata-macaroon, WWW-Authenticate, Payment-Receipt',
    'Access-Control-Allow-Methods: GET, POST, OPTIONS',
    'Access-Control-Allow-Origin: *',
    'Access-Control-Expose-Headers: WWW-Authenticate, Payment-Receipt',
    'Cache-Control: no-store',
    'Content-Type: text/plain; charset=utf-8',
    `Www-Authenticate: LSAT macaroon="${token}", invoice="${invoice}"`,
    `Www-Authenticate: L402 macaroon="${token}", invoice="${invoice}"`,
    'X-Content-Type-Options: nosniff',
    'Content-Length: 17',
    '',
    'payment required\n',
  ].join('\r\n')
}

function served(): string {
  return [
    'HTTP/1.1 200 OK',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Length: 5',
    '',
    'sunny',
  ].join('\r\n')
}

/** In Aperture's order: header, identifier, preimage, root key, chain, caveats. */
function admits(
  authorization: readonly string[],
  secrets: ReadonlyMap<string, Uint8Array>,
): boolean {
  const match = /(?:LSAT|L402) ([A-Za-z0-9+/=]+):([a-f0-9]{64})/.exec(authorization.at(-1) ?? '')
  if (match === null) return false
  const [, text = '', preimage = ''] = match
  if (text.length % 4 !== 0) return false
  try {
    const token = decodeToken(text)
    const { paymentHash } = decodeIdentifier(token.identifier)
    if (sha256Hex(Buffer.from(preimage, 'hex')) !== Buffer.from(paymentHash).toString('hex'))
      return false
    const rootKey = secrets.get(sha256Hex(token.identifier))
    if (rootKey === undefined) return false
    return satisfied(verify(token, rootKey).map((caveat) => caveat.text))
  } catch (error) {
    if (isL402Error(error)) return false
    throw error
  }
}

/** Two conditions are looked at, neighbours must narrow, the last one decides; the rest is skipped. */
function satisfied(caveats: readonly string[]): boolean {
  const values = (condition: string) =>
    caveats
      .filter((text) => text.startsWith(`${condition}=`))
      .map((text) => text.slice(condition.length + 1))
  const services = values('services').map((value) =>
    value.split(',').map((entry) => entry.split(':')[0]!),
  )
  if (services.some((names, i) => i > 0 && !names.every((name) => services[i - 1]!.includes(name))))
    return false
  if (services.length > 0 && !services.at(-1)!.includes(service)) return false

  const times = values(`${service}_valid_until`).map(Number)
  if (times.some((time, i) => !Number.isInteger(time) || (i > 0 && time > times[i - 1]!)))
    return false
  return times.length === 0 || Date.now() / 1000 < times.at(-1)!
}

/** Calls `answer` with the header lines of each bodyless request, and writes what it returns. */
function onRequest(socket: Socket, answer: (lines: readonly string[]) => Promise<string>): void {
  let pending = ''
  socket.on('error', () => socket.destroy())
  socket.setEncoding('latin1').on('data', (chunk) => {
    pending += String(chunk)
    const end = pending.indexOf('\r\n\r\n')
    if (end === -1) return
    const lines = pending.slice(0, end).split('\r\n')
    pending = pending.slice(end + 4)
    answer(lines).then(
      (response) => socket.write(response),
      (error: Error) => socket.destroy(error),
    )
  })
}

function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
