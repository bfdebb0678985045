import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import type { Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeUtf8 } from '../../bytes/index.ts'
import type { DevnetNode } from '../../lightning/devnet/index.ts'
import type { ClnAnswer, ClnNode, ClnNodeOptions } from './cln-node.ts'
import { createClnNode } from './cln-node.ts'
import type { RuneMaster } from './cln-rune.ts'
import { createRuneMaster } from './cln-rune.ts'
import type { LookAlike, WireAnswer, WireRequest, WireRole, WireRoute } from './look-alike.ts'
import { serveLookAlike } from './look-alike.ts'
import type { WireFault } from './wire-fault.ts'

export type ClnLookAlike = LookAlike & {
  /** Makes and revokes the runes that it takes. */
  readonly runes: RuneMaster
}

/** The Unix socket of a look-alike. `url` is its path. */
export type ClnSocketLookAlike = Omit<LookAlike, 'url'> & { readonly socketPath: string }

const floodBytes = 4 * 1024 * 1024

/**
 * Serves clnrest as of v24.11 (the plugin in Rust): `POST /v1/<method>`, the rune in the header `Rune`;
 * 201 with the result, 403 without a rune, 401 where `checkrune` refuses, 404 for a command that is not
 * there, 500 for what the command says, each with `{code, message, data}`.
 */
export async function serveCln(
  node: DevnetNode,
  options: ClnNodeOptions = {},
): Promise<ClnLookAlike> {
  const cln = createClnNode(node, options)
  const runes = createRuneMaster(new Uint8Array(32).fill(0x5a))
  const lookAlike = await serveLookAlike((request) => routeRest(request, cln, runes))
  return {
    ...lookAlike,
    runes,
    close: async () => {
      cln.close()
      await lookAlike.close()
    },
  }
}

function routeRest(request: WireRequest, cln: ClnNode, runes: RuneMaster): WireRoute {
  const method = /^\/v1\/([^/]+)$/.exec(request.path)?.[1]
  const headers = { date: new Date(cln.now() * 1000).toUTCString() }
  const answer = (status: number, body: unknown): WireAnswer => ({
    status,
    headers,
    body: JSON.stringify(body),
  })
  if (method === undefined || request.method !== 'POST') {
    const error = { code: -32601, message: 'Path not registered', data: null }
    return { role: 'other', carryOut: async () => answer(404, error) }
  }
  const params = readParams(request.body)
  const carryOut = async (): Promise<WireAnswer> => {
    const { rune } = request.headers
    if (typeof rune !== 'string') {
      return answer(403, { code: 1501, message: 'Not authorized: Missing rune', data: null })
    }
    const refusal = runes.check(rune, { method, params, nowSeconds: cln.now() })
    if (refusal !== undefined) return answer(401, { ...refusal, data: null })
    const ended = await cln.run(method, params, request.signal)
    if ('result' in ended) return answer(201, ended.result)
    return answer(ended.error.code === -32601 ? 404 : 500, { ...ended.error, data: null })
  }
  return { role: cln.roleOf(method), carryOut }
}

function readParams(body: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(body) as Record<string, unknown>
  } catch {
    return {}
  }
}

/**
 * Serves the Unix socket of `lightningd` (`lightning-rpc`): JSON-RPC 2.0, objects one after another in
 * both directions, each answer followed by two line feeds. Nobody is asked for a credential.
 *
 * Faults are those of HTTP as far as they exist here: a body stands for the bytes that are sent.
 */
export async function serveClnSocket(
  node: DevnetNode,
  options: ClnNodeOptions = {},
): Promise<ClnSocketLookAlike> {
  const cln = createClnNode(node, options)
  const socketPath = join(tmpdir(), `satway-${randomUUID().slice(0, 8)}.sock`)
  const faults = new Map<WireRole, WireFault[]>()
  const seen: { role: WireRole; method: string; path: string }[] = []
  const sockets = new Set<Socket>()

  const respond = async (socket: Socket, request: Request): Promise<void> => {
    const { method, params, id } = request
    const gone = new AbortController()
    socket.once('close', () => gone.abort())
    const role = cln.roleOf(method)
    seen.push({ role, method, path: method })
    const run = async (): Promise<string> => write(id, await cln.run(method, params, gone.signal))
    const fault = faults.get(role)?.shift()
    if (fault === undefined) {
      socket.write(await run())
      return
    }
    const text = fault.executed ? await run() : ''
    await spoil(socket, fault, text)
  }

  const listen = async (): Promise<Server> => {
    await rm(socketPath, { force: true })
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
      let text = ''
      socket.on('data', (bytes: Buffer) => {
        text += decodeUtf8(bytes)
        const request = readRequest(text)
        if (request === undefined) return
        text = ''
        respond(socket, request).catch(() => socket.destroy())
      })
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(socketPath, resolve)
    })
    return server
  }
  const shut = async (server: Server): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }

  let server: Server | undefined = await listen()
  return {
    socketPath,
    seen,
    inject: (role, fault) => {
      faults.set(role, [...(faults.get(role) ?? []), fault])
    },
    setReachable: async (reachable) => {
      if (reachable) server ??= await listen()
      else if (server !== undefined) {
        const old = server
        server = undefined
        await shut(old)
      }
    },
    close: async () => {
      cln.close()
      if (server !== undefined) await shut(server)
      server = undefined
      await rm(socketPath, { force: true })
    },
  }
}

type Request = {
  readonly id: unknown
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}

/** @returns `undefined` while it is not whole. */
function readRequest(text: string): Request | undefined {
  try {
    return JSON.parse(text) as Request
  } catch {
    return undefined
  }
}

function write(id: unknown, answer: ClnAnswer): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id, ...answer })}\n\n`
}

async function spoil(socket: Socket, { how }: WireFault, text: string): Promise<void> {
  switch (how.kind) {
    case 'reset':
      socket.destroy()
      return
    case 'hang':
      return
    case 'answer':
      socket.end(how.body)
      return
    case 'redirect':
      socket.end(`elsewhere: ${how.location}`)
      return
    case 'flood':
      socket.end(`{"x":"${'x'.repeat(floodBytes)}"}`)
      return
    case 'late':
      await new Promise((resolve) => setTimeout(resolve, how.ms))
      socket.write(text)
      return
    case 'cut':
      socket.end(text.slice(0, Math.floor(text.length / 2)))
      return
    case 'twice':
      socket.write(text + text)
      return
    default:
      for (const character of text) {
        if (socket.destroyed) return
        socket.write(character)
        await new Promise((resolve) => setImmediate(resolve))
      }
  }
}
