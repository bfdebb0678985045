import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'

// A process of its own: opens many connections, asks once on each, and holds them.
type Order = {
  readonly port: number
  readonly head: string
  readonly count: number
}
type Held = { readonly open: number; readonly streaming: number }

const sockets: Socket[] = []
let received = new Map<Socket, number>()

process.on('message', async (order: Order | 'count' | 'close') => {
  if (order === 'close') {
    for (const socket of sockets.splice(0)) socket.destroy()
    process.send!({ open: 0, streaming: 0 } satisfies Held)
    return
  }
  if (order === 'count') {
    const before = new Map(received)
    received = new Map(before)
    await new Promise((resolve) => setTimeout(resolve, 1500))
    const streaming = sockets.filter((socket) => received.get(socket) !== before.get(socket)).length
    const open = sockets.filter((socket) => !socket.destroyed).length
    process.send!({ open, streaming } satisfies Held)
    return
  }
  for (let i = 0; i < order.count; i += 200) {
    const batch = Array.from({ length: Math.min(200, order.count - i) }, () => open(order))
    await Promise.all(batch)
  }
  process.send!({ open: sockets.length, streaming: 0 } satisfies Held)
})

/** Connects, asks, and waits for the start of a 200. */
async function open({ port, head }: Order): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const answered = once(socket, 'data')
  socket.write(head)
  const [chunk] = (await answered) as [Buffer]
  if (!chunk.toString('latin1').startsWith('HTTP/1.1 200')) throw new Error('not served')
  sockets.push(socket)
  received.set(socket, 0)
  socket.on('data', (more: Buffer) => received.set(socket, received.get(socket)! + more.length))
  socket.on('error', () => undefined)
}
