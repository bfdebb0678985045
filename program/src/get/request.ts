import type { Given } from '../cli/command.ts'
import { UsageMistake } from '../cli/failure.ts'
import { readData } from './data.ts'

/** What to ask for, as the command line says. */
export type HttpRequest = {
  readonly url: URL
  readonly method: string
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer> | undefined
}

/** @throws {UsageMistake} naming the first mistake; never a header's value. */
export async function readRequest(given: Given): Promise<HttpRequest> {
  const url = readUrl(given.operands[0])
  const data = given.text('data')
  const method = (given.text('request') ?? (data === undefined ? 'GET' : 'POST')).toUpperCase()
  if (!/^[A-Z][A-Z-]*$/.test(method)) throw new UsageMistake('--request: not an HTTP method')
  if (method === 'CONNECT' || method === 'TRACE') throw new UsageMistake(`${method} is not sent`)
  if (data !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw new UsageMistake(`${method} carries no --data`)
  }
  return { url, method, ...(await readContent(given)) }
}

/**
 * Headers and body.
 *
 * @throws {UsageMistake} naming the first mistake; never a header's value.
 */
export async function readContent(given: Given): Promise<Pick<HttpRequest, 'headers' | 'body'>> {
  const headers = await readHeaders(given.texts('header'))
  const data = given.text('data')
  const type = given.text('content-type')
  if (type !== undefined) {
    if (data === undefined) throw new UsageMistake('--content-type says what --data is: give both')
    if (headers.has('content-type')) {
      throw new UsageMistake('--content-type and a Content-Type --header say two things')
    }
    setHeader(headers, 'content-type', type)
  }
  if (data === undefined) return { headers, body: undefined }

  const body = await readData('data', data)
  if (!headers.has('content-type')) headers.set('content-type', contentTypeOf(body))
  return { headers, body }
}

function readUrl(text: string | undefined): URL {
  if (text === undefined) throw new UsageMistake('URL is missing')
  if (!/^https?:\/\//i.test(text)) throw new UsageMistake('the URL begins with http:// or https://')
  if (!URL.canParse(text)) throw new UsageMistake('the URL is not well formed')
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') {
    throw new UsageMistake('a URL must not carry a name or password: others see command lines')
  }
  return url
}

async function readHeaders(given: readonly string[]): Promise<Headers> {
  const headers = new Headers()
  for (const line of await linesOf(given)) {
    const colon = line.indexOf(':')
    if (colon < 1) throw new UsageMistake('--header: expected "Name: value" or @FILE')
    const name = line.slice(0, colon).trim()
    if (name.toLowerCase() === 'host') {
      throw new UsageMistake('--header: Host follows the URL; `curl -H` can send another one')
    }
    setHeader(headers, name, line.slice(colon + 1).trim())
  }
  return headers
}

/** `@FILE` stands for the lines of a file: others see command lines. */
async function linesOf(given: readonly string[]): Promise<readonly string[]> {
  const lines: string[] = []
  for (const one of given) {
    if (!one.startsWith('@')) lines.push(one)
    else {
      const text = new TextDecoder().decode(await readData('header', one))
      lines.push(...text.split(/\r?\n/).filter((line) => line.trim() !== ''))
    }
  }
  return lines
}

function setHeader(headers: Headers, name: string, value: string): void {
  try {
    headers.append(name, value)
  } catch {
    // Its value may be a secret, and is not repeated.
    throw new UsageMistake(`--header: "${name.slice(0, 40)}" is not a header that can be sent`)
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
