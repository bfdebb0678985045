import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
} from 'node:http2'
import { connect } from 'node:http2'

/** How an exchange over HTTP/2 went, to its end. */
export type Http2Answer = {
  /** 0 when the stream ended without a head. */
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly trailers: IncomingHttpHeaders
  readonly body: Buffer
  /** The code that the stream was reset with; 0 when it was not, or without a reason. */
  readonly resetCode: number
}

export type Http2Client = {
  readonly session: ClientHttp2Session
  /** One request and all of its answer. Never rejects. */
  ask(headers: OutgoingHttpHeaders, body?: Buffer | string): Promise<Http2Answer>
  /** A stream whose body and answer are in the caller's hands. */
  open(headers: OutgoingHttpHeaders): ClientHttp2Stream
  close(): Promise<void>
}

/** A client as an application has it. @param ca - The only authority it believes. */
export async function openHttp2(url: string, ca?: string): Promise<Http2Client> {
  const session = connect(url, ca === undefined ? {} : { ca })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  session.once('connect', () => resolve())
  session.once('error', reject)
  await promise
  // Streams tell of it.
  session.on('error', () => undefined)
  return {
    session,
    open: (headers) => session.request(headers),
    ask: (headers, body) => {
      const stream = session.request(headers)
      const answer = readAnswer(stream)
      stream.end(body)
      return answer
    },
    close: async () => {
      if (session.closed) return
      await new Promise<void>((closed) => session.close(closed))
    },
  }
}

/** Follows a stream to its end. Never rejects. */
export function readAnswer(stream: ClientHttp2Stream): Promise<Http2Answer> {
  return new Promise((resolve) => {
    let headers: IncomingHttpHeaders = {}
    let trailers: IncomingHttpHeaders = {}
    const parts: Buffer[] = []
    stream.on('response', (given) => {
      headers = given
    })
    stream.on('trailers', (given) => {
      trailers = given
    })
    stream.on('data', (part: Buffer) => parts.push(part))
    stream.on('error', () => undefined)
    stream.on('close', () =>
      resolve({
        status: Number(headers[':status'] ?? 0),
        headers,
        trailers,
        body: Buffer.concat(parts),
        resetCode: stream.rstCode,
      }),
    )
  })
}
