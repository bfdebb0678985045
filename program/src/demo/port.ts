import type { Server } from 'node:http'
import { Failure, UsageMistake } from '../cli/failure.ts'

export const defaultPort = 8402

/** Where the API is to listen, and whether the user insists on it. */
export type WantedPort = { readonly port: number; readonly insists: boolean }

/** @throws {UsageMistake} unless `text` is a port number, or absent. */
export function readPort(text: string | undefined): WantedPort {
  if (text === undefined) return { port: defaultPort, insists: false }
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) {
    throw new UsageMistake('--port: expected a number from 1 to 65535')
  }
  return { port, insists: true }
}

/**
 * Listens on the loopback address: on the port that is wanted, or on any free one where the user
 * does not insist.
 *
 * @returns the port.
 * @throws {Failure} when the port that the user insists on cannot be had.
 */
export async function listen(server: Server, wanted: WantedPort): Promise<number> {
  try {
    return await listenOn(server, wanted.port)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (!wanted.insists && code === 'EADDRINUSE') return await listenOn(server, 0)
    throw new Failure(`The API cannot listen on port ${wanted.port} (${explain(code)}).`, {
      advice: 'Choose another port with --port, or leave --port out to get a free one.',
    })
  }
}

async function listenOn(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('listen: no port')
  return address.port
}

function explain(code: string | undefined): string {
  if (code === 'EADDRINUSE') return 'another program listens there'
  if (code === 'EACCES') return 'that needs more rights'
  return code ?? 'unknown reason'
}
