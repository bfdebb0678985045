import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { RefusalResponse } from 'satway/server'
import type { Exchange } from './exchange.ts'

/** A refusal as a gRPC client reads it: a head without a body, the status in it. */
export type GrpcRefusal = {
  readonly status: 200
  /** In order; a name may repeat. */
  readonly headers: readonly (readonly [string, string])[]
}

const grpcType = /^application\/grpc(?:[+;\s]|$)/i

/** What a gRPC client has of a refusal: the challenge, and when to come back. */
const kept = /^(?:www-authenticate|retry-after|cache-control)$/i

const unknown = 2
const statusOf: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  402: 13,
  403: 7,
  404: 12,
  405: 12,
  408: 4,
  413: 8,
  421: 12,
  429: 8,
  431: 8,
  500: 13,
  502: 14,
  503: 14,
  504: 4,
}

/**
 * Whether a request is gRPC: by its content type, `application/grpc` alone or with a suffix
 * (`+proto`). `application/grpc-web` is not: it is spoken by pages, over HTTP/1.1 too, which see no
 * trailers but do see a status of HTTP, and the library they use turns that into one of gRPC. So they
 * are refused like any page.
 *
 * @spec gateway.md R-GRPC-9
 */
export function isGrpc({ headers }: { readonly headers: IncomingHttpHeaders }): boolean {
  return grpcType.test(headers['content-type'] ?? '')
}

/**
 * Translates a refusal for gRPC clients, which take everything but 200 for a broken server. The body
 * is dropped; its code and title become the message. For 402 the message is `payment required`: that
 * text, with status 13, is what L402 clients look for.
 *
 * @spec gateway.md R-GRPC-9, R-GRPC-10
 */
export function grpcRefusal(response: RefusalResponse): GrpcRefusal {
  const { status, headers } = response
  return {
    status: 200,
    headers: [
      ['content-type', 'application/grpc'],
      ['grpc-status', String(statusOf[status] ?? unknown)],
      ['grpc-message', percentEncode(messageOf(response))],
      ...headers.filter(([name]) => kept.test(name)),
    ],
  }
}

/** Answers an exchange with a refusal in the form for gRPC, in one frame. Does nothing too late. */
export function sendGrpcRefusal(exchange: Exchange, refusal: RefusalResponse): void {
  const { response } = exchange
  if (response.headersSent || response.writableEnded) return
  const { status, headers } = grpcRefusal(refusal)
  response.statusCode = status
  for (const [name, value] of headers) appendHeader(response, name, value)
  response.end()
}

function appendHeader(response: Exchange['response'], name: string, value: string): void {
  // Two types with the same method, which TypeScript does not take for one.
  ;(response as Pick<ServerResponse, 'appendHeader'>).appendHeader(name, value)
}

function messageOf({ status, body }: RefusalResponse): string {
  if (status === 402) return 'payment required'
  const { code, title } = readProblem(body)
  const text = title ?? STATUS_CODES[status] ?? 'refused'
  return code === undefined ? text : `${code}: ${text}`
}

function readProblem(body: string): { code?: string; title?: string } {
  try {
    const problem: unknown = JSON.parse(body)
    if (typeof problem !== 'object' || problem === null) return {}
    return {
      ...('code' in problem && typeof problem.code === 'string' ? { code: problem.code } : {}),
      ...('title' in problem && typeof problem.title === 'string' ? { title: problem.title } : {}),
    }
  } catch {
    return {}
  }
}

/** As gRPC wants its messages: bytes of UTF-8, all but printable ASCII and `%` itself as `%XX`. */
function percentEncode(text: string): string {
  let encoded = ''
  for (const byte of Buffer.from(text, 'utf8')) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25
    encoded += isPlain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}
