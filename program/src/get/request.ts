import { readFile } from 'node:fs/promises'
import type { Given } from '../cli/command.ts'
import { Failure, UsageMistake } from '../cli/failure.ts'
import { readStandardInput } from '../cli/standard-input.ts'

/** What to ask for, as the command line says. */
export type HttpRequest = {
  readonly url: URL
  readonly method: string
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer> | undefined
}

/** Longest body to send, in bytes. It is kept in memory, because it is sent twice. */
const maxBodyBytes = 64 * 1024 * 1024

/** @throws {UsageMistake} naming the first mistake; never a header's value. */
export async function readRequest(given: Given): Promise<HttpRequest> {
  const url = readUrl(given.operands[0] ?? '')
  const headers = readHeaders(given.texts('header'))
  const data = given.text('data')
  const method = (given.text('request') ?? (data === undefined ? 'GET' : 'POST')).toUpperCase()
  if (!/^[A-Z][A-Z-]*$/.test(method)) throw new UsageMistake('--request: not an HTTP method')
  if (method === 'CONNECT' || method === 'TRACE') throw new UsageMistake(`${method} is not sent`)
  if (data !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw new UsageMistake(`${method} carries no --data`)
  }
  if (data === undefined) return { url, method, headers, body: undefined }

  const body = await readData(data)
  if (!headers.has('content-type')) headers.set('content-type', contentTypeOf(body))
  return { url, method, headers, body }
}

function readUrl(text: string): URL {
  if (!/^https?:\/\//i.test(text)) throw new UsageMistake('the URL begins with http:// or https://')
  if (!URL.canParse(text)) throw new UsageMistake('the URL is not well formed')
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') {
    throw new UsageMistake('a URL must not carry a name or password: others see command lines')
  }
  return url
}

function readHeaders(lines: readonly string[]): Headers {
  const headers = new Headers()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon < 1) throw new UsageMistake('--header: expected "Name: value"')
    const name = line.slice(0, colon).trim()
    if (name.toLowerCase() === 'host') {
      throw new UsageMistake('--header: Host follows the URL; `curl -H` can send another one')
    }
    try {
      headers.append(name, line.slice(colon + 1).trim())
    } catch {
      // Its value may be a secret, and is not repeated.
      throw new UsageMistake(`--header: "${name.slice(0, 40)}" is not a header that can be sent`)
    }
  }
  return headers
}

async function readData(data: string): Promise<Uint8Array<ArrayBuffer>> {
  if (!data.startsWith('@')) return new TextEncoder().encode(data)
  if (data === '@-') return Uint8Array.from(await readStandardInput(maxBodyBytes))
  const path = data.slice(1)
  try {
    return Uint8Array.from(await readFile(path))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Failure(`--data: ${path} cannot be read (${code ?? 'unknown reason'}).`)
  }
}

function contentTypeOf(body: Uint8Array): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    return isJson(text) ? 'application/json' : 'text/plain; charset=utf-8'
  } catch {
    return 'application/octet-stream'
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
