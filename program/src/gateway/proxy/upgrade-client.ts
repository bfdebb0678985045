import type { UpgradeExchange } from './exchange.ts'

/** How much a client may send ahead, before the upstream has agreed. Bytes; then it is not read. */
const maxEarlyBytes = 64 * 1024

/** How long a connection that was ended may take to close, in milliseconds. */
const farewellMs = 2_000

/** The client of an upgrade while the upstream is asked. Nothing that it sends goes anywhere yet. */
export class UpgradeClient {
  readonly #socket: UpgradeExchange['socket']
  readonly #left = new AbortController()
  readonly #early: Buffer[]
  #earlyBytes: number

  constructor({ socket, head }: UpgradeExchange) {
    this.#socket = socket
    this.#early = head.length > 0 ? [head] : []
    this.#earlyBytes = head.length
    // Stays: nobody else may listen, and an unheard error ends the process.
    socket.on('error', ignore)
    socket.on('data', this.#keep)
    socket.on('end', this.#leave)
    socket.on('close', this.#leave)
    if (socket.destroyed || socket.readableEnded) this.#leave()
  }

  /** Aborted when the client leaves, or ends its side. */
  get left(): AbortSignal {
    return this.#left.signal
  }

  /** Hands the connection over. @returns What was sent ahead. The socket is paused. */
  release(): readonly Buffer[] {
    this.#detach()
    this.#socket.pause()
    return this.#early
  }

  /** What it has sent, and what it sends from now on, is thrown away. */
  discard(): void {
    this.#detach()
    this.#early.length = 0
    this.#socket.resume()
  }

  readonly #keep = (part: Buffer): void => {
    this.#early.push(part)
    this.#earlyBytes += part.length
    if (this.#earlyBytes > maxEarlyBytes) this.#socket.pause()
  }

  readonly #leave = (): void => {
    this.#left.abort(new Error('the client left'))
  }

  #detach(): void {
    this.#socket.off('data', this.#keep)
    this.#socket.off('end', this.#leave)
    this.#socket.off('close', this.#leave)
  }
}

/**
 * Ends a connection so that what was written arrives: it is read on, and thrown away, until the peer
 * closes too, or for 2 seconds. Closing at once would turn the end into a reset.
 */
export function endGently(socket: UpgradeExchange['socket'], last?: Buffer): void {
  if (socket.destroyed) return
  const timer = setTimeout(() => socket.destroy(), farewellMs)
  socket.once('close', () => clearTimeout(timer))
  socket.on('error', ignore)
  socket.resume()
  if (socket.writableEnded) return
  if (last === undefined) socket.end()
  else socket.end(last)
}

function ignore(): void {
  // The socket is destroyed by its error, and 'close' tells.
}
