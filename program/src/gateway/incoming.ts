import { createHash } from 'node:crypto'
import type { IncomingRequest } from 'satway/server'
import type { Exchange } from './proxy/index.ts'
import { readStart } from './proxy/index.ts'

/** Longest body that is kept so that a token's digest of it can be checked, in bytes. */
const maxDigestBytes = 1024 * 1024

const none: readonly string[] = []

/** One request as the paywall sees it. What is read of its body is kept, and goes on from there. */
export class GatewayRequest implements IncomingRequest {
  readonly method: string
  readonly target: string
  readonly clientAddress: string
  /** What was read of the body so far; goes to the upstream before the rest. */
  bodyStart: Buffer | undefined
  /** How long the client may send nothing of its body. */
  readonly bodyIdleMs: number
  readonly #exchange: Exchange | undefined
  readonly #rawHeaders: readonly string[]

  /** @param exchange - `undefined` for a request without a body, such as an upgrade. */
  constructor(
    head: { readonly method: string; readonly target: string; readonly clientAddress: string },
    rawHeaders: readonly string[],
    exchange: Exchange | undefined,
    bodyIdleMs: number,
  ) {
    this.method = head.method
    this.target = head.target
    this.clientAddress = head.clientAddress
    this.#rawHeaders = rawHeaders
    this.bodyIdleMs = bodyIdleMs
    this.#exchange = exchange
  }

  headerLines(name: string): readonly string[] {
    return headerLines(this.#rawHeaders, name)
  }

  async bodySha256(): Promise<string> {
    const body = await this.body(maxDigestBytes)
    return createHash('sha256').update(body).digest('hex')
  }

  async body(maxBytes: number): Promise<Buffer> {
    if (this.#exchange === undefined) return Buffer.alloc(0)
    this.bodyStart ??= await readStart(this.#exchange, maxBytes, this.bodyIdleMs)
    return this.bodyStart
  }
}

/** Every line of a header, in order. `name` is lower case. */
export function headerLines(rawHeaders: readonly string[], name: string): readonly string[] {
  let lines: string[] | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const candidate = rawHeaders[i]!
    if (candidate.length !== name.length || candidate.toLowerCase() !== name) continue
    lines ??= []
    lines.push(rawHeaders[i + 1]!)
  }
  return lines ?? none
}
