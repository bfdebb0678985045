import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { platform } from 'node:process'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { msat } from '../../amount/index.ts'
import type { DevnetNode } from './index.ts'
import { connectWallet, createDevnet, readWalletFile, serveWallet } from './index.ts'
import { formatWalletFile, parseWalletFile } from './wallet-address.ts'

const url = 'http://127.0.0.1:4711'
const secret = 'ab12'.repeat(16)
const whole = JSON.stringify({ url, secret })

let folder: string
let file: string
let node: DevnetNode

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'satway-'))
  file = join(folder, 'wallet.json')
  node = createDevnet().addNode('node', { balanceMsat: msat(7n) })
})

afterEach(() => rmSync(folder, { recursive: true }))

describe('R-LN-47 the wallet file', () => {
  test('appears with mode 0600 and opens the wallet; closing removes it', async () => {
    const server = await serveWallet(node, { file })
    expect(readdirSync(folder), 'nothing beside it').toEqual(['wallet.json'])
    if (platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600)
    const address = await readWalletFile(file)
    expect(address.url).toBe(server.address.url)
    expect(address.secret).toBe(server.address.secret)
    expect((await connectWallet(address).info()).balanceMsat).toBe(7n)
    await server.close()
    expect(readdirSync(folder)).toEqual([])
  })

  test('replaces one that an earlier host left behind, whatever its mode', async () => {
    writeFileSync(file, 'left behind', { mode: 0o666 })
    chmodSync(file, 0o666)
    const server = await serveWallet(node, { file })
    if (platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600)
    expect((await readWalletFile(file)).url).toBe(server.address.url)
    await server.close()
  })

  test('replaces a link and leaves what it pointed to alone', async () => {
    const precious = join(folder, 'precious')
    writeFileSync(precious, 'mine')
    symlinkSync(precious, file)
    const server = await serveWallet(node, { file })
    expect(readFileSync(precious, 'utf8')).toBe('mine')
    await server.close()
    expect(readdirSync(folder)).toEqual(['precious'])
  })

  test('is left alone when another host has replaced it', async () => {
    const first = await serveWallet(node, { file })
    const second = await serveWallet(node, { file })
    await first.close()
    expect((await readWalletFile(file)).url).toBe(second.address.url)
    await second.close()
    expect(existsSync(file)).toBe(false)
  })

  test('that cannot be written lets nothing start and leaves nothing behind', async () => {
    const nowhere = join(folder, 'missing', 'wallet.json')
    const starting = serveWallet(node, { file: nowhere })
    await expect(starting).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    mkdirSync(file)
    await expect(serveWallet(node, { file })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(readdirSync(folder)).toEqual(['wallet.json'])
  })

  test('that is gone does not trouble a host that closes', async () => {
    const server = await serveWallet(node, { file })
    rmSync(file)
    await server.close()
  })

  test('is written as it is read', () => {
    const address = parseWalletFile(whole)
    expect(JSON.parse(formatWalletFile(address))).toEqual({ url, secret })
    expect(formatWalletFile(parseWalletFile(formatWalletFile(address)))).toBe(
      formatWalletFile(address),
    )
  })
})

describe('R-LN-48 a wallet file', () => {
  const modes = [0o640, 0o604, 0o620, 0o602, 0o610, 0o777]
  test.skipIf(platform === 'win32').each(modes)('of mode %i is refused', async (mode) => {
    writeFileSync(file, whole)
    chmodSync(file, mode)
    await expect(readWalletFile(file)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    chmodSync(file, 0o600)
    expect((await readWalletFile(file)).secret).toBe(secret)
  })

  test('that is not there means that no wallet runs', async () => {
    await expect(readWalletFile(file)).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE' })
  })

  test('that is a folder is refused', async () => {
    mkdirSync(file, { mode: 0o700 })
    await expect(readWalletFile(file)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  test.skipIf(platform === 'win32')('that is a pipe is refused, without waiting', async () => {
    execFileSync('mkfifo', ['-m', '600', file])
    await expect(readWalletFile(file)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  const bad: readonly (readonly [string, string])[] = [
    ['empty', ''],
    ['cut', whole.slice(0, -1)],
    ['too long', whole + ' '.repeat(2000)],
    ['a list', `[${whole}]`],
    ['null', 'null'],
    ['with a member more', JSON.stringify({ url, secret, node: 'x' })],
    ['without a secret', JSON.stringify({ url })],
    ['without a URL', JSON.stringify({ secret })],
    ['with a secret in capitals', JSON.stringify({ url, secret: secret.toUpperCase() })],
    ['with a short secret', JSON.stringify({ url, secret: secret.slice(1) })],
    ['with a number for a secret', JSON.stringify({ url, secret: 5 })],
    ['that leads elsewhere', JSON.stringify({ url: 'http://192.168.0.1:80', secret })],
    ['that leads to a name', JSON.stringify({ url: 'http://127.0.0.1:80@evil.example', secret })],
    ['twice', whole + whole],
  ]
  test.each(bad)('%s is refused, and its secret is not told', async (_, text) => {
    writeFileSync(file, text, { mode: 0o600 })
    const error: unknown = await readWalletFile(file).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
    expect(inspect(error, { depth: 10 }).toLowerCase()).not.toContain(secret.slice(0, 16))
  })
})
