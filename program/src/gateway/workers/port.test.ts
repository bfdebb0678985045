import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { claimPort } from './port.ts'

test('R-WRK-13 a port that someone has is not shared with him', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as { port: number }
  await expect(claimPort('127.0.0.1', port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
  await new Promise((resolve) => other.close(resolve))
  expect(await claimPort('127.0.0.1', port)).toBe(port)
})

test.runIf(process.platform === 'linux')('R-WRK-13 nor where both would share it', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => {
    other.listen({ port: 0, host: '127.0.0.1', reusePort: true }, resolve)
  })
  const { port } = other.address() as { port: number }
  await expect(claimPort('127.0.0.1', port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
  await new Promise((resolve) => other.close(resolve))
})

test('R-WRK-13 port 0 becomes one that is free', async () => {
  expect(await claimPort('127.0.0.1', 0)).toBeGreaterThan(0)
})

test('R-WRK-13 an address that is not of this machine is refused', async () => {
  await expect(claimPort('192.0.2.1', 0)).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' })
})
