import { join } from 'node:path'
import type { SecureContextOptions, Server, TLSSocket } from 'node:tls'
import { createSecureContext, createServer } from 'node:tls'
import type { TlsConfig } from '../config/index.ts'
import { acmeKeeper } from './acme-certificate.ts'
import type { KeyPair } from './certificate-file.ts'
import { CertificateKeeper } from './certificate-keeper.ts'
import { generateCertificate } from './generated-certificate.ts'

export type TlsFrontOptions = {
  readonly http2: boolean
  /** How long a handshake may take, in milliseconds. */
  readonly handshakeMs: number
  readonly log: (message: string) => void
  /** Called with each connection that has finished its handshake. */
  readonly secured: (socket: TLSSocket) => void
}

/** Suites with forward secrecy and authenticated encryption. Those of TLS 1.3 come first. */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

const settings = { minVersion: 'TLSv1.2', ciphers, honorCipherOrder: true } as const

/** The TLS side of a listener: handshakes, and the certificate that is in force. */
export class TlsFront {
  readonly server: Server
  readonly #log: (message: string) => void
  #keeper: CertificateKeeper | undefined
  #source: string | undefined
  #isReady = false

  constructor(options: TlsFrontOptions) {
    this.#log = options.log
    this.server = createServer({
      ...settings,
      ALPNProtocols: options.http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
      handshakeTimeout: options.handshakeMs,
    })
    this.server.on('secureConnection', (socket) => {
      // Nobody who speaks HTTP asks for it, and each one costs a handshake.
      socket.disableRenegotiation()
      options.secured(socket)
    })
    // Node leaves it open, for whoever would like to say something.
    this.server.on('tlsClientError', (_error, socket) => socket.destroy())
  }

  /** False until there is a certificate to answer with. */
  get isReady(): boolean {
    return this.#isReady
  }

  /**
   * Takes the certificate from where the configuration says, for connections from now on.
   *
   * @throws {Error} when there is none or it is not usable, but for ACME; the old one stays in force.
   */
  async use(tls: TlsConfig): Promise<void> {
    if (tls.kind === 'own') {
      this.#put(tls)
      this.#keep(undefined, undefined)
      return
    }
    const source = JSON.stringify(tls)
    if (source === this.#source) return await this.#keeper?.check()
    const keeper = tls.kind === 'acme' ? this.#acme(tls) : this.#generated(tls)
    if (tls.kind === 'acme') {
      await keeper.load()
      // It may take minutes, or fail for days: what there is is served meanwhile.
      void keeper.check()
    } else {
      await keeper.check()
      if (!this.#isReady) throw new Error(`no certificate in ${tls.folder}`)
    }
    this.#keep(keeper, source)
  }

  stop(): void {
    this.#keep(undefined, undefined)
  }

  #keep(keeper: CertificateKeeper | undefined, source: string | undefined): void {
    this.#keeper?.stop()
    keeper?.start()
    this.#keeper = keeper
    this.#source = source
  }

  #put({ certificate, key }: KeyPair): void {
    const context: SecureContextOptions = { ...settings, cert: certificate, key }
    // It says what is wrong, and changes nothing.
    createSecureContext(context)
    this.server.setSecureContext(context)
    this.#isReady = true
  }

  #acme(tls: Extract<TlsConfig, { readonly kind: 'acme' }>): CertificateKeeper {
    return acmeKeeper(tls, { use: (pair) => this.#put(pair), log: this.#log })
  }

  #generated(tls: Extract<TlsConfig, { readonly kind: 'generated' }>): CertificateKeeper {
    return new CertificateKeeper({
      file: join(tls.folder, 'certificate.pem'),
      names: tls.names,
      make: () => generateCertificate(tls.names),
      use: (pair) => this.#put(pair),
      log: this.#log,
    })
  }
}
