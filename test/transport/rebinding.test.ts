import { describe, expect, test, vi } from 'vitest'
import { isL402Error } from '../../library/src/errors.ts'
import { createTransport } from '../../library/src/transport/index.ts'
import { caught, startRaw, startRawAt, turns, until } from './raw-server.ts'

// Nothing on this machine is public. One address of it plays that part here; the rest is as it is.
const actsPublic = '127.0.0.2'
vi.mock(import('../../library/src/client/index.ts'), async (load) => {
  const real = await load()
  const isPrivateAddress = (address: string): boolean =>
    address !== '127.0.0.2' && real.isPrivateAddress(address)
  return { ...real, isPrivateAddress }
})

const answer = (text: string): string => `HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n${text}`
const publicOnly = { publicOnly: true } as const

/** Two servers at one port: one at the address that acts public, one inside. */
async function startBoth() {
  const inside = await startRaw(answer('inside'))
  const outside = await startRawAt(actsPublic, inside.port, answer('public'))
  return { inside, outside, url: `http://rebinding.test:${inside.port}/` }
}

describe('R-NET-15 what was checked is what is connected to', () => {
  test('DNS is asked once for each connection, and what it says later changes nothing', async () => {
    const { inside, outside, url } = await startBoth()
    const answers = [[actsPublic], ['127.0.0.1']]
    const asked: string[] = []
    const transport = createTransport({
      lookup: async (hostname) => {
        asked.push(hostname)
        return answers[asked.length - 1] ?? ['127.0.0.1']
      },
    })
    expect(await (await transport.fetch(url, {}, publicOnly)).text()).toBe('public')
    expect(asked).toEqual(['rebinding.test'])
    expect(outside.requests[0]).toContain(`host: rebinding.test:${inside.port}`)

    // The connection has ended. For the next one it is asked again, and checked again.
    await until(() => outside.sockets[0]!.destroyed)
    await turns()
    const { error } = await caught(transport.fetch(url, {}, publicOnly))
    expect(isL402Error(error, 'POLICY_REFUSED') && error.details['reason']).toBe('private-address')
    expect([asked.length, outside.requests.length, inside.requests.length]).toEqual([2, 1, 0])
  })

  test('every address of the list counts, wherever it stands', async () => {
    const { inside, outside, url } = await startBoth()
    for (const list of [
      [actsPublic, '127.0.0.1'],
      ['127.0.0.1', actsPublic],
      [actsPublic, '::1'],
      [actsPublic, actsPublic, '10.0.0.1'],
    ]) {
      const transport = createTransport({ lookup: async () => list })
      const { error } = await caught(transport.fetch(url, {}, publicOnly))
      expect(isL402Error(error, 'POLICY_REFUSED')).toBe(true)
    }
    expect([...inside.sockets, ...outside.sockets]).toEqual([])
  })

  test('R-NET-14 an address in the URL that is public is connected to', async () => {
    const { inside } = await startBoth()
    const transport = createTransport({ lookup: () => Promise.reject(new Error('nobody asks')) })
    const response = await transport.fetch(`http://${actsPublic}:${inside.port}/`, {}, publicOnly)
    expect(await response.text()).toBe('public')
  })

  test('R-NET-16 a connection that was checked is used again for what has to be checked', async () => {
    const whole = answer('public')
    const sockets: unknown[] = []
    const { createServer } = await import('node:net')
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('data', () => socket.write(whole))
      socket.on('error', () => undefined)
    })
    await new Promise<void>((resolve) => server.listen(0, actsPublic, resolve))
    const { port } = server.address() as { readonly port: number }
    const transport = createTransport({ lookup: async () => [actsPublic] })
    const ask = async (route: { readonly publicOnly: boolean }): Promise<void> => {
      await (await transport.fetch(`http://shop.test:${port}/`, {}, route)).text()
      await turns()
    }
    await ask(publicOnly)
    await ask(publicOnly)
    expect(sockets.length).toBe(1)
    await ask({ publicOnly: false })
    expect(sockets.length).toBe(2)
    transport.close()
    await new Promise((resolve) => server.close(resolve))
  })
})
