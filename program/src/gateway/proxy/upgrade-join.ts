import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { isL402Error } from 'satway'
import type { Traffic } from './forward.ts'
import { endGently } from './upgrade-client.ts'
import { closeFrame, FrameTracker } from './upgrade-frames.ts'

/** Two connections that speak WebSocket with each other. */
export type Joint = {
  readonly client: Duplex
  readonly upstream: Duplex
  /** What each of them has sent already. */
  readonly fromClient: readonly Buffer[]
  readonly fromUpstream: readonly Buffer[]
  /** How long both may be silent, in milliseconds. */
  readonly idleMs: number
  /** Ends it: with an L402Error because it is not paid for any more, otherwise because we go. */
  readonly signal: AbortSignal
  readonly traffic: Traffic | undefined
}

export type JointEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'client-left' }
  | { readonly kind: 'cut'; readonly error: unknown }

/** One way of the two. */
type Way = {
  readonly from: Duplex
  readonly to: Duplex
  /** What has gone to `to`. */
  readonly frames: FrameTracker
  readonly stop: () => void
}

const goingAway = 1001
const policyViolation = 1008

/**
 * Passes bytes both ways until both ends have closed. Each side is read no faster than the other
 * takes it, and may end its way before the other does. Resolves when both are closed.
 *
 * @spec gateway.md R-WS-4, R-WS-5, R-WS-6, R-WS-8
 */
export function joinSockets(joint: Joint): Promise<JointEnd> {
  return new Promise((resolve) => new Join(joint, resolve).begin())
}

class Join {
  readonly #joint: Joint
  readonly #resolve: (end: JointEnd) => void
  readonly #timer: NodeJS.Timeout
  readonly #toClient: Way
  readonly #toUpstream: Way
  #end: JointEnd | undefined
  /** Who went without a farewell, if nothing else ends it. */
  #silent: JointEnd | undefined

  constructor(joint: Joint, resolve: (end: JointEnd) => void) {
    const { client, upstream, idleMs } = joint
    this.#joint = joint
    this.#resolve = resolve
    this.#timer = setTimeout(() => this.#idle(), idleMs)
    this.#toClient = this.#open(upstream, client)
    this.#toUpstream = this.#open(client, upstream)
  }

  begin(): void {
    const { client, upstream, fromClient, fromUpstream, signal } = this.#joint
    client.on('error', () => this.#clientFailed())
    upstream.on('error', (error) => this.#upstreamFailed(error))
    client.on('close', () => this.#closed())
    upstream.on('close', () => this.#closed())
    signal.addEventListener('abort', this.#abort, { once: true })
    for (const part of fromUpstream) this.#pass(this.#toClient, part)
    for (const part of fromClient) this.#pass(this.#toUpstream, part)
    if (client.destroyed || upstream.destroyed) this.#closed()
    if (signal.aborted) this.#abort()
    if (this.#end !== undefined) return
    if (!client.writableNeedDrain) upstream.resume()
    if (!upstream.writableNeedDrain) client.resume()
  }

  #open(from: Duplex, to: Duplex): Way {
    const frames = new FrameTracker()
    const pass = (part: Buffer): void => this.#pass(way, part)
    const drain = (): void => {
      this.#timer.refresh()
      from.resume()
    }
    const end = (): void => {
      this.#ended(from)
      to.end()
    }
    const stop = (): void => {
      from.off('data', pass)
      from.off('end', end)
      to.off('drain', drain)
    }
    const way: Way = { from, to, frames, stop }
    // Held until both are in place.
    from.pause()
    from.on('data', pass)
    from.on('end', end)
    to.on('drain', drain)
    return way
  }

  #pass({ from, to, frames }: Way, part: Buffer): void {
    this.#timer.refresh()
    this.#count(to, part.length)
    frames.push(part)
    if (!to.write(part)) from.pause()
  }

  #count(to: Duplex, bytes: number): void {
    const { traffic, client } = this.#joint
    if (traffic === undefined) return
    if (to === client) traffic.responseBytes += bytes
    else traffic.requestBytes += bytes
  }

  /** One side sends no more. With a close frame, either side's, that is as it should be. */
  #ended(from: Duplex): void {
    if (this.#toClient.frames.hasClosed || this.#toUpstream.frames.hasClosed) return
    const error = new Error('the upstream ended the connection without a close frame')
    this.#silent ??= from === this.#joint.client ? { kind: 'client-left' } : { kind: 'cut', error }
  }

  #clientFailed(): void {
    this.#stop({ kind: 'client-left' })
    this.#joint.upstream.destroy()
  }

  #upstreamFailed(error: unknown): void {
    const { client } = this.#joint
    this.#stop({ kind: 'cut', error })
    // A server that has said its farewell may hang up as it likes.
    if (this.#toClient.frames.hasClosed) endGently(client)
    else client.destroy()
  }

  /** One of them is closed. */
  #closed(): void {
    const { client, upstream } = this.#joint
    if (client.destroyed && !client.readableEnded) this.#clientFailed()
    if (upstream.destroyed && !upstream.readableEnded) {
      this.#upstreamFailed(new Error('the upstream closed the connection'))
    }
    if (!client.closed || !upstream.closed) return
    clearTimeout(this.#timer)
    this.#joint.signal.removeEventListener('abort', this.#abort)
    this.#resolve(this.#end ?? this.#silent ?? { kind: 'done' })
  }

  #idle(): void {
    this.#part(goingAway, 'idle', new Error('nothing was sent either way for too long'))
  }

  readonly #abort = (): void => {
    const { reason } = this.#joint.signal
    if (!isL402Error(reason)) this.#part(goingAway, 'the server is going away', reason)
    else if (reason.code === 'ACCESS_REVOKED') this.#part(policyViolation, 'token revoked', reason)
    else this.#part(policyViolation, 'token expired', reason)
  }

  /** Passes nothing more. Only the first reason counts. */
  #stop(end: JointEnd): void {
    this.#end ??= end
    this.#toClient.stop()
    this.#toUpstream.stop()
  }

  /** Ends both, with a word where there is a place for one. */
  #part(code: number, reason: string, error: unknown): void {
    if (this.#end !== undefined) return
    this.#stop({ kind: 'cut', error })
    farewell(this.#toClient, closeFrame(code, reason))
    // A client masks what it sends.
    farewell(this.#toUpstream, closeFrame(goingAway, '', randomBytes(4)))
  }
}

function farewell({ to, frames }: Way, frame: Buffer): void {
  if (frames.hasClosed) endGently(to)
  else if (frames.isAtBoundary && to.writable) endGently(to, frame)
  else to.destroy()
}
