import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { boundConnections } from '../../program/src/wallet-proxy/index.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** A server with few places. `/slow` is answered when it is told to. */
async function listen(
  most: number,
  silentMs: number,
): Promise<{ readonly port: number; readonly server: Server; answerSlow(): void }> {
  let answerSlow = (): void => undefined
  const server = createServer((request, response) => {
    if (request.url !== '/slow') response.end('answer')
    else answerSlow = () => response.end('slow answer')
  })
  boundConnections(server, { most, silentMs })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { port, server, answerSlow: () => answerSlow() }
}

/** A connection, and what came over it. */
async function open(
  port: number,
  said = '',
): Promise<{ readonly socket: Socket; heard(): string; readonly closed: Promise<void> }> {
  const socket = connect(port, '127.0.0.1')
  closers.push(() => socket.destroy())
  let heard = ''
  socket.on('data', (chunk: Buffer) => {
    heard += String(chunk)
  })
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
  if (said !== '') socket.write(said)
  return { socket, heard: () => heard, closed }
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`

describe('R-WPX-10 R-MCP-55 connections that ask nothing', () => {
  test('are let go, and those that ask are not', async () => {
    const { port } = await listen(100, 300)
    const silent = await open(port)
    const asking = await open(port, get('/slow'))
    await silent.closed
    expect(asking.socket.destroyed).toBe(false)
  })

  test('make room where all places are taken, the oldest first', async () => {
    const { port } = await listen(3, 60_000)
    const silent = [await open(port), await open(port, 'GET / HTT'), await open(port)]
    const asking = await open(port, get('/x'))
    await expect.poll(asking.heard).toContain('answer')
    await silent[0]!.closed
    const another = await open(port, get('/x'))
    await expect.poll(another.heard).toContain('answer')
    await silent[1]!.closed
    expect(silent[2]!.socket.destroyed).toBe(false)
  })

  test('take no place from a request that is being answered', async () => {
    const { port, server, answerSlow } = await listen(2, 60_000)
    const arrived = new Promise<void>((resolve) => server.once('request', () => resolve()))
    const slow = await open(port, get('/slow'))
    await arrived
    for (let i = 0; i < 20; i++) await open(port)
    const asking = await open(port, get('/x'))
    await expect.poll(asking.heard).toContain('answer')
    answerSlow()
    await expect.poll(slow.heard).toContain('slow answer')
  })
})
