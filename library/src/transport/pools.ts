import type { AgentOptions, ClientRequest, RequestOptions } from 'node:http'
import { Agent, request } from 'node:http'

/** What makes requests of one kind, on connections of their own. */
export type Pool = {
  /** @param alone - On a new connection that ends with it. */
  request(options: RequestOptions, alone: boolean): ClientRequest
}

/** All connections of one transport. */
export type Pools = {
  /** Connections that were checked to be public are apart from those that were not. */
  take(protocol: string, publicOnly: boolean): Promise<Pool>
  /** Ends idle connections. */
  close(): void
}

/** Idle connections are closed before servers close them: Node's and nginx's defaults are longer. */
const idleConnectionMs = 4000

/** `node:https` costs CPU at start, so it is loaded for the first https URL. */
export function createPools(verifyTls: boolean): Pools {
  const pools = new Map<string, Pool & { readonly agent: Agent }>()

  const create = async (protocol: string): Promise<Pool & { readonly agent: Agent }> => {
    const options: AgentOptions = { keepAlive: true, timeout: idleConnectionMs }
    if (protocol === 'http:') {
      const agent = new Agent(options)
      const single = new Agent({ keepAlive: false })
      return {
        agent,
        request: (what, alone) => request({ ...what, agent: alone ? single : agent }),
      }
    }
    const https = await import('node:https')
    const rejectUnauthorized = verifyTls
    const agent = new https.Agent({ ...options, rejectUnauthorized })
    const single = new https.Agent({ keepAlive: false, rejectUnauthorized })
    return {
      agent,
      request: (what, alone) => https.request({ ...what, agent: alone ? single : agent }),
    }
  }

  return {
    take: async (protocol, publicOnly) => {
      const key = `${protocol} ${publicOnly}`
      const known = pools.get(key)
      if (known !== undefined) return known
      const made = await create(protocol)
      // Two calls may have made one each.
      const pool = pools.get(key) ?? made
      pools.set(key, pool)
      return pool
    },
    close: () => {
      for (const { agent } of pools.values()) {
        for (const sockets of Object.values(agent.freeSockets)) {
          for (const socket of sockets ?? []) socket.destroy()
        }
      }
    },
  }
}
