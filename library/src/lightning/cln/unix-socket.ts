import type { Socket } from 'node:net'
import { createConnection } from 'node:net'
import type { Fields } from '../adapter/index.ts'
import { asFields, whyNotConnected } from '../adapter/index.ts'
import { JsonObjects } from './json-objects.ts'
import type { Reply, Rpc } from './rpc.ts'
import { maxAnswerBytes, readErrorCode } from './rpc.ts'

const id = 'satway'

/**
 * The Unix socket of a node: JSON-RPC 2.0, a connection for each call, as `lightning-cli` does it. A
 * connection of its own is never stale, and what is waited for on it delays nothing else.
 *
 * @param path - Of `lightning-rpc`.
 */
export function connectUnixSocket(path: string): Rpc {
  const sockets = new Set<Socket>()
  return {
    call: async (method, params, signal, manner) => {
      if (signal.aborted) return { kind: 'not-sent', reason: 'aborted' }
      const socket = createConnection(path)
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      if (manner === 'listen') socket.unref()
      const request = JSON.stringify({ jsonrpc: '2.0', id, method, params })
      try {
        return await exchange(socket, request, signal)
      } finally {
        socket.destroy()
      }
    },
    nowSeconds: () => undefined,
    close: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

function exchange(socket: Socket, request: string, signal: AbortSignal): Promise<Reply> {
  const objects = new JsonObjects(maxAnswerBytes)
  return new Promise((resolve) => {
    let isConnected = false
    const end = (reply: Reply): void => {
      signal.removeEventListener('abort', onAbort)
      resolve(reply)
    }
    const lose = (reason: string): void => end({ kind: isConnected ? 'lost' : 'not-sent', reason })
    const onAbort = (): void =>
      lose(isConnected ? 'it did not answer in time' : 'it could not be reached in time')
    signal.addEventListener('abort', onAbort)

    socket.once('connect', () => {
      isConnected = true
      socket.write(request)
    })
    socket.on('data', (bytes: Buffer) => {
      const found = objects.push(bytes)
      if (found === undefined) return lose('it answered what is no JSON-RPC')
      const reply = found.map(readReply).find((one) => one !== undefined)
      if (reply !== undefined) end(reply)
    })
    socket.once('error', (error) => {
      lose(isConnected ? 'the connection broke' : whyNotConnected(error, false))
    })
    socket.once('close', () => lose('the connection broke'))
  })
}

/** @returns `undefined` for what answers nothing of ours: notifications have no id. */
function readReply(object: Fields): Reply | undefined {
  if (object['id'] !== id) return undefined
  const result = asFields(object['result'])
  if (result !== undefined) return { kind: 'answered', result }
  const code = readErrorCode(asFields(object['error']))
  if (code !== undefined) return { kind: 'refused', code }
  return { kind: 'lost', reason: 'it answered what is no JSON-RPC' }
}
