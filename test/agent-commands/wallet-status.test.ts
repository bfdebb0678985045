import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { walletStatus as command } from '../../program/src/cli/wallet-status.ts'
import { walletStatus } from '../../program/src/schema/index.ts'
import { runWalletStatus } from '../../program/src/wallet-proxy/index.ts'
import type { DeskOptions, Ended } from './desk.ts'
import { runAt } from './desk.ts'
import { makeHome, openSpender } from './spender.ts'

function status(home: string, args: readonly string[], options?: DeskOptions): Promise<Ended> {
  return runAt(home, command, runWalletStatus, args, options)
}

describe('R-CLI-10 whether the wallet answers, and on which network', () => {
  test('one that does, with its balance where it tells', async () => {
    const { home, shop } = await openSpender()
    const ended = await status(home, ['--wallet', shop.wallet])
    expect(ended.code).toBe(0)
    expect(walletStatus.parse(JSON.parse(ended.stdout))).toEqual({
      kind: 'devnet',
      network: 'regtest',
      reachable: true,
      realMoney: false,
      balanceMsat: '100000000',
      problem: null,
    })
    const { stdout } = await status(home, ['--wallet', shop.wallet], { terminal: 80 })
    expect(stdout).toMatch(/Network +regtest: no real money\nAnswers +yes\nBalance +100,000 sat\n/)
    expect(shop.spentMsat()).toBe(0n)
  })

  test('one that does not is exit code 7', async () => {
    const { home, shop } = await openSpender()
    const url = `${shop.url.replace(/:\d+$/, ':1')}/payinvoice?lookup=/payments/{hash}`
    const ended = await status(home, ['--wallet', url])
    expect(ended.code).toBe(7)
    const view = walletStatus.parse(JSON.parse(ended.stdout))
    expect(view).toMatchObject({
      kind: 'http',
      network: 'bitcoin',
      reachable: false,
      realMoney: true,
    })
    expect(view.problem).toMatch(/\S/)
  })

  test('nor does one that could not be asked about payments, when it is not there', async () => {
    const { home, shop } = await openSpender()
    const url = `${shop.url.replace(/:\d+$/, ':1')}/payinvoice`
    const ended = await status(home, ['--wallet', url])
    expect(ended.code).toBe(7)
    expect(JSON.parse(ended.stdout)).toMatchObject({
      reachable: false,
      problem: 'the wallet: it cannot be reached',
    })
    const there = await status(home, ['--wallet', `${shop.url}/payinvoice`])
    expect(there.code).toBe(0)
    expect(JSON.parse(there.stdout)).toMatchObject({ reachable: true, problem: null })
    expect(shop.spentMsat()).toBe(0n)
  })

  test('one that answers, and does not tell about payments, is exit code 1', async () => {
    const { home, shop } = await openSpender()
    const url = `${shop.url}/payinvoice?lookup=/nowhere/{hash}`
    const ended = await status(home, ['--wallet', url])
    expect(ended.code).toBe(1)
    const view = walletStatus.parse(JSON.parse(ended.stdout))
    expect(view).toMatchObject({ kind: 'http', reachable: true })
    expect(view.problem).toContain('it does not tell about payments: ')
    expect(shop.spentMsat()).toBe(0n)
  })

  test('none is exit code 1', async () => {
    const ended = await status(makeHome(), ['--wallet', 'none'])
    expect(ended.code).toBe(1)
    expect(walletStatus.parse(JSON.parse(ended.stdout))).toMatchObject({
      kind: 'none',
      network: null,
      reachable: false,
    })
    const { stdout } = await status(makeHome(), ['--wallet', 'none'], { terminal: 80 })
    expect(stdout).toContain('No wallet is set up')
  })

  test('one whose file is gone is said', async () => {
    const { home, shop } = await openSpender()
    rmSync(shop.wallet.replace('devnet:', ''))
    const ended = await status(home, ['--wallet', shop.wallet])
    expect(ended.code).toBe(7)
    const view = walletStatus.parse(JSON.parse(ended.stdout))
    expect(view).toMatchObject({ kind: 'devnet', network: 'regtest', reachable: false })
    expect(view.problem).toContain(join(home, 'wallet-'))
    expect(view.problem).toContain('no wallet file')
  })
})
