import type { KeyPair } from './certificate-file.ts'
import { isFor, readKeyPair, renewalMs, stampOf, writeKeyPair } from './certificate-file.ts'

export type KeeperOptions = {
  /** Where the certificate and its key are kept. */
  readonly file: string
  /** What it must be for. */
  readonly names: readonly string[]
  /** Gets a new one. `undefined`: not now. */
  readonly make: (signal: AbortSignal) => Promise<KeyPair | undefined>
  /** Called with the first one, and with every new one. */
  readonly use: (pair: KeyPair) => void
  readonly log: (message: string) => void
  /** How often the file and the calendar are looked at, in milliseconds. Default a minute. */
  readonly checkMs?: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/**
 * Keeps a certificate in a file: serves what is there, renews it in time, and takes over what
 * another process has put there.
 */
export class CertificateKeeper {
  readonly #options: KeeperOptions
  readonly #stopped = new AbortController()
  #pair: KeyPair | undefined
  #seen: string | undefined
  #checking: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  /** Looks again and again from now on. */
  start(): void {
    this.#timer = setInterval(() => void this.check(), this.#options.checkMs ?? 60_000)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#stopped.abort(new Error('the listener was closed'))
  }

  /** Serves what is in the file, if it is new. */
  async load(): Promise<void> {
    const { file, use, log } = this.#options
    const stamp = await stampOf(file)
    if (stamp?.id === this.#seen) return
    this.#seen = stamp?.id
    if (stamp === undefined) return
    const pair = await readKeyPair(file)
    if (pair === undefined) {
      log(`certificate: ${file} is not as it was written; a new one is made`)
      return
    }
    use(pair)
    this.#pair = pair
  }

  /** Loads, and renews what is due. Never rejects: the certificate there is goes on. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined
    })
    return this.#checking
  }

  async #check(): Promise<void> {
    const { file, names, make, log, now = Date.now } = this.#options
    try {
      await this.load()
      if (this.#pair !== undefined && !this.#isDue(this.#pair, names, now())) return
      const made = await make(this.#stopped.signal)
      if (made === undefined || this.#stopped.signal.aborted) return
      // Of several processes that begin at once, one makes it and all serve the same.
      await writeKeyPair(file, made, this.#seen === undefined ? 'create' : 'replace')
      await this.load()
    } catch (error) {
      log(`certificate for ${names.join(', ')}: ${reasonOf(error)}`)
    }
  }

  #isDue(pair: KeyPair, names: readonly string[], nowMs: number): boolean {
    return nowMs >= renewalMs(pair.certificate) || !isFor(pair.certificate, names)
  }
}

/**
 * What went wrong, in a few words of the log. A peer may have chosen them: addresses are left out
 * and the rest is cut.
 */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error)
  const plain = message
    .replace(/"?https?:\/\/[^\s"]*"?/g, '…')
    .replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ')
  return plain.length > 64 ? `${plain.slice(0, 64)}…` : plain
}
