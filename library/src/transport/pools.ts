import type { AgentOptions, ClientRequest, RequestOptions } from 'node:http'
import { Agent, request } from 'node:http'
import { fetchFailed, problem } from './failure.ts'

/** What makes requests of one kind, on connections of their own. */
export type Pool = {
  /** @param alone - On a new connection that ends with it. */
  request(options: RequestOptions, alone: boolean): ClientRequest
}

/** All connections of one transport. */
export type Pools = {
  /** Connections that were checked to be public are apart from those that were not. */
  take(protocol: string, publicOnly: boolean): Promise<Pool>
  /** Ends all connections, those in use too, and makes no more. */
  close(): void
}

/** Idle connections are closed before servers close them: Node's and nginx's defaults are longer. */
const idleConnectionMs = 4000

/** `node:https` costs CPU at start, so it is loaded for the first https URL. */
export function createPools(verifyTls: boolean): Pools {
  const pools = new Map<string, Pool>()
  const agents: Agent[] = []
  let isClosed = false

  const poolOf = (agent: Agent, single: Agent, send: typeof request): Pool => {
    agents.push(agent, single)
    return {
      request: (what, alone) => {
        if (isClosed) throw fetchFailed(problem('the transport is closed'))
        return send({ ...what, agent: alone ? single : agent })
      },
    }
  }
  const create = async (protocol: string): Promise<Pool> => {
    const options: AgentOptions = { keepAlive: true, timeout: idleConnectionMs }
    if (protocol === 'http:') {
      return poolOf(new Agent(options), new Agent({ keepAlive: false }), request)
    }
    const https = await import('node:https')
    const rejectUnauthorized = verifyTls
    const agent = new https.Agent({ ...options, rejectUnauthorized })
    const single = new https.Agent({ keepAlive: false, rejectUnauthorized })
    return poolOf(agent, single, https.request)
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
      isClosed = true
      for (const agent of agents) agent.destroy()
    },
  }
}
