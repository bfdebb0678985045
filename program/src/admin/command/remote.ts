import type { IncomingMessage, RequestOptions } from 'node:http'
import { Agent, request } from 'node:http'
import { attenuate, encodeToken } from 'satway/macaroon'
import type { Given } from '../../cli/command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { Failure, UsageMistake } from '../../cli/failure.ts'
import { printable } from '../../cli/printable.ts'
import { isLoopback } from '../guard.ts'
import { requestSeconds } from '../permit.ts'
import { adviceFor } from './advice.ts'
import { readMacaroonFile } from './macaroon-file.ts'
import { restrictionsOf } from './restrictions.ts'
import type { Terminal } from './terminal.ts'

/** The admin API of one gateway. */
export type Remote = {
  readonly address: string
  /**
   * @param path - With its query.
   * @returns what the JSON of the answer says; `undefined` for an answer without a body.
   * @throws {Failure} with what the API says when it refuses, and exit code 7 when it is not there.
   */
  call<T>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<T>
  /** As {@link Remote.call}, for text of any length. */
  stream(path: string, take: (chunk: Uint8Array) => Promise<void>): Promise<void>
}

/** What API and server say of a refusal. */
type Problem = {
  readonly code?: unknown
  readonly detail?: unknown
  readonly hint?: unknown
  readonly mistakes?: unknown
}

const defaultAddress = '127.0.0.1:8403'
/** Between two signs of life. */
const patienceMs = 30_000
const maxAnswerBytes = 64 * 1024 * 1024

/**
 * Opens the way to a gateway. Nothing is sent yet.
 *
 * @param options.open - The operations that need no macaroon.
 * @throws {Failure} without a macaroon.
 * @throws {UsageMistake} for an address that is not on the loopback: the macaroon would go over the
 *   network for everyone to read.
 */
export function openRemote(
  given: Given,
  terminal: Terminal,
  options: { readonly open?: boolean } = {},
): Remote {
  const { SATWAY_ADMIN: configured = '' } = terminal.environment
  const { host, port } = readAddress(
    given.text('address') ?? (configured === '' ? defaultAddress : configured),
  )
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  const sent = options.open === true ? undefined : credential(given, terminal)
  const send = async (
    method: string,
    path: string,
    accept: string,
    body?: unknown,
  ): Promise<IncomingMessage> => {
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    const options = {
      // An agent of its own: a proxy of the environment is not for the loopback.
      agent: new Agent({ keepAlive: false }),
      host,
      port,
      method,
      path,
      timeout: patienceMs,
      headers: {
        host: address,
        accept,
        ...(sent !== undefined && { authorization: sent.authorization }),
        ...(content !== undefined && {
          'content-type': 'application/json',
          'content-length': String(content.length),
        }),
      },
    }
    return await exchange(address, options, content)
  }
  const asked = (path: string): Asked => ({ address, path, macaroonFile: sent?.file })
  return {
    address,
    call: async (method, path, body) => {
      const response = await send(method, path, 'application/json', body)
      const text = (await readAll(response, address)).toString('utf8')
      return readAnswer(response.statusCode ?? 0, text, asked(path))
    },
    stream: async (path, take) => {
      const response = await send('GET', path, 'text/csv')
      if (response.statusCode !== 200) {
        const text = (await readAll(response, address)).toString('utf8')
        readAnswer(response.statusCode ?? 0, text, asked(path))
      }
      for await (const chunk of broken(response, address)) await take(chunk)
    },
  }
}

/** @throws {UsageMistake} */
export function readAddress(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:http:\/\/)?(?:\[([\da-f:]+)\]|([\w.-]+)):(\d{1,5})\/?$/i.exec(text)
  const host = (match?.[1] ?? match?.[2])?.toLowerCase()
  const port = Number(match?.[3])
  if (host === undefined || port < 1 || port > 65_535) {
    throw new UsageMistake('--address: expected HOST:PORT, such as 127.0.0.1:8403')
  }
  if (!isLoopback(host)) {
    throw new UsageMistake(
      `--address: ${host} is another machine, and the macaroon would go there unencrypted. Open a tunnel: ssh -N -L 8403:127.0.0.1:8403 ${host}`,
    )
  }
  return { host, port }
}

function credential(
  given: Given,
  terminal: Terminal,
): { readonly file: string; readonly authorization: string } {
  const { file, macaroon } = readMacaroonFile(given, terminal)
  const expires = terminal.now() + requestSeconds
  const { expiresAtSeconds } = restrictionsOf(macaroon)
  const isShorter = expiresAtSeconds !== undefined && expiresAtSeconds <= expires
  const copy = isShorter ? macaroon : attenuate(macaroon, `expires=${expires}`)
  return { file, authorization: `Macaroon ${encodeToken(copy)}` }
}

async function exchange(
  address: string,
  options: RequestOptions,
  content: Buffer | undefined,
): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    const outgoing = request(options, resolve)
    outgoing.on('timeout', () => outgoing.destroy(new Error('timeout')))
    outgoing.on('error', (error) => reject(unreachable(address, error)))
    outgoing.end(content)
  })
}

async function readAll(response: IncomingMessage, address: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of broken(response, address)) {
    size += chunk.length
    if (size > maxAnswerBytes) throw strange(address)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** An answer that breaks off is told as what it is. */
async function* broken(response: IncomingMessage, address: string): AsyncGenerator<Buffer> {
  try {
    yield* response as AsyncIterable<Buffer>
  } catch (error) {
    throw unreachable(address, error)
  }
}

/** One question, for what is said about its answer. */
type Asked = {
  readonly address: string
  readonly path: string
  readonly macaroonFile: string | undefined
}

function readAnswer<T>(status: number, text: string, asked: Asked): T {
  const value = text === '' ? undefined : parse(text, asked.address)
  // Not being ready is an answer, with the checks in it.
  const isHealth =
    status === 503 && typeof value === 'object' && value !== null && 'checks' in value
  if ((status >= 200 && status < 300) || isHealth) return value as T
  throw refusal(value as Problem | undefined, asked)
}

function parse(text: string, address: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw strange(address)
  }
}

/** In the words of the command: headers, bodies and paths of the API are not what a person typed. */
function refusal(problem: Problem | undefined, asked: Asked): Failure {
  const { address, path, macaroonFile = '' } = asked
  if (typeof problem?.code !== 'string' || typeof problem.detail !== 'string')
    return strange(address)
  const mistakes = Array.isArray(problem.mistakes) ? problem.mistakes : []
  const lines = [detailOf(problem.code, problem.detail, asked)]
  lines.push(...mistakes.map((mistake) => `  - ${mistake}`))
  const advice =
    adviceFor(problem.code, path, macaroonFile) ??
    (typeof problem.hint === 'string' ? problem.hint : undefined)
  return new Failure(lines.map((line) => printable(line)).join('\n'), {
    ...(advice !== undefined && advice !== '' && { advice: printable(advice) }),
  })
}

function detailOf(code: string, detail: string, { address, macaroonFile }: Asked): string {
  if (code === 'ADMIN_UNAUTHENTICATED') {
    return `The gateway at ${address} does not take this macaroon (read from ${macaroonFile}).`
  }
  if (code === 'ADMIN_CAVEAT') return `${detail} (read from ${macaroonFile})`
  // A parameter of the query has the name of its flag.
  return code === 'ADMIN_MALFORMED' ? detail.replace(/^(?=[a-z]+: )/, '--') : detail
}

function unreachable(address: string, error: unknown): Failure {
  const { code, message } = error as NodeJS.ErrnoException
  return new Failure(`No gateway answers at ${address} (${code ?? message}).`, {
    exitCode: exitCodes.network,
    advice: 'Start `satway gateway`, or name its admin address: --address HOST:PORT',
  })
}

function strange(address: string): Failure {
  return new Failure(`What answers at ${address} is not the admin API of a gateway.`, {
    exitCode: exitCodes.network,
    advice: 'Name its admin address, which is not the one it sells at: --address HOST:PORT',
  })
}
