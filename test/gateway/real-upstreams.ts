import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { startNginx } from './nginx.ts'

/** An API that serves `/premium`, and something else under every other path, as its framework has it. */
export type RealUpstream = {
  readonly url: string
  close(): Promise<void>
}

/** The body of what is to be paid for, and a header that also an answer without a body has. */
export const premium = 'PREMIUM'
export const premiumHeader = 'x-premium'
const other = 'other'

export async function openExpress(): Promise<RealUpstream> {
  const app = express()
  app.all('/premium', (_, response) => void response.set(premiumHeader, 'yes').send(premium))
  app.use((_, response) => void response.send(other))
  return await listen(app.listen(0, '127.0.0.1'))
}

export async function openFastify(): Promise<RealUpstream> {
  const app = fastify()
  app.all('/premium', async (_, reply) => reply.header(premiumHeader, 'yes').send(premium))
  app.setNotFoundHandler(async (_, reply) => {
    await reply.code(200).send(other)
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return { url, close: () => app.close() }
}

export async function openHono(): Promise<RealUpstream> {
  const app = new Hono()
  app.all('/premium', (context) => context.text(premium, 200, { [premiumHeader]: 'yes' }))
  app.all('*', (context) => context.text(other))
  const server = createAdaptorServer({ fetch: app.fetch }) as Server
  server.listen(0, '127.0.0.1')
  return await listen(server)
}

export async function openNginx(): Promise<RealUpstream> {
  const nginx = await startNginx(
    (port) => `server {
      listen 127.0.0.1:${port};
      default_type text/plain;
      location = /premium { add_header ${premiumHeader} yes; return 200 '${premium}'; }
      location / { return 200 '${other}'; }
    }`,
  )
  return { url: `http://127.0.0.1:${nginx.port}`, close: () => nginx.stop() }
}

async function listen(server: Server): Promise<RealUpstream> {
  if (!server.listening) await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
