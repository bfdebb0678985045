import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { findResumable } from '../../program/src/agent/index.ts'
import { approvalsList } from '../../program/src/cli/approvals-commands.ts'
import type { Command } from '../../program/src/cli/command.ts'
import { readCommandLine } from '../../program/src/cli/command.ts'
import { delegate } from '../../program/src/cli/delegate.ts'
import { get } from '../../program/src/cli/get.ts'
import { receiptsList, receiptsVerify } from '../../program/src/cli/receipts-commands.ts'
import { resume } from '../../program/src/cli/resume.ts'
import { schema } from '../../program/src/cli/schema.ts'
import { tokensList, tokensShow } from '../../program/src/cli/tokens-commands.ts'
import { walletServe } from '../../program/src/cli/wallet-serve.ts'
import { walletStatus } from '../../program/src/cli/wallet-status.ts'
import { readParams } from '../../program/src/get/params.ts'
import { describeCommand, outputs, runSchema } from '../../program/src/published-schema/index.ts'
import type { Ended } from './desk.ts'
import { runAt } from './desk.ts'
import { openSpender } from './spender.ts'

const mine: readonly Command[] = [
  tokensList,
  tokensShow,
  delegate,
  receiptsList,
  receiptsVerify,
  approvalsList,
  walletStatus,
  walletServe,
  schema,
]

function description(args: readonly string[]): Promise<Ended> {
  return runAt('/nowhere', schema, runSchema, args)
}

/** The published schema as something that checks: what a program of another language would do. */
function checkerOf(published: Readonly<Record<string, unknown>> | null): z.ZodType {
  return z.fromJSONSchema(published as Parameters<typeof z.fromJSONSchema>[0])
}

describe('R-CLI-11 commands describe themselves to programs', () => {
  test('alone it lists them; each line of the list leads to a description', async () => {
    const { commands } = JSON.parse((await description([])).stdout)
    expect(commands.length).toBeGreaterThan(10)
    for (const { name } of commands) {
      const words: readonly string[] = name.split(' ')
      const ended = await description(words)
      expect(JSON.parse(ended.stdout)).toMatchObject({ name })
      expect((await description([name])).stdout).toBe(ended.stdout)
    }
  })

  test('--all describes all of them, with ways to end that a script can branch on', async () => {
    const { commands } = JSON.parse((await description(['--all'])).stdout)
    expect(commands.length).toBe(JSON.parse((await description([])).stdout).commands.length)
    for (const { name, usage, exitCodes } of commands) {
      expect(usage.startsWith(`satway ${name}`)).toBe(true)
      expect(exitCodes.length).toBeGreaterThan(0)
      for (const { code, meaning } of exitCodes) {
        expect([name, Number.isInteger(code), meaning.length > 0]).toEqual([name, true, true])
      }
    }
  })

  test('what is no command is a mistake', async () => {
    for (const args of [['nonsense'], ['tokens', 'nonsense'], ['get', '--all']]) {
      expect((await description(args)).code).toBe(2)
    }
  })

  for (const command of mine) {
    test(`every flag of ${command.name} is described as the command line takes it`, () => {
      const { flags, operands } = describeCommand(command)
      expect(operands.least).toBe(command.operands)
      const words = Array.from({ length: operands.least }, () => 'x')
      for (const { name, short, value, repeats } of flags) {
        const once = [`--${name}`, ...(value === null ? [] : ['1'])]
        expect(readCommandLine(command, [...words, ...once]).has(name)).toBe(true)
        const twice = (): unknown => readCommandLine(command, [...words, ...once, ...once])
        if (repeats) expect(twice).not.toThrow()
        else expect(twice).toThrow('given twice')
        if (short !== null) {
          const letter = [`-${short}`, ...once.slice(1)]
          expect(readCommandLine(command, [...words, ...letter]).has(name)).toBe(true)
        }
      }
    })
  }

  test('every published output is JSON Schema of draft 2020-12, and says no to what it is not', () => {
    for (const name of Object.keys(outputs)) {
      const { output } = describeCommand({ ...tokensList, name })
      expect(output?.['$schema']).toBe('https://json-schema.org/draft/2020-12/schema')
      expect(checkerOf(output).safeParse({ nonsense: 1 }).success).toBe(false)
    }
  })

  test('what `get --params` takes is what its schema says: every key, and no other', () => {
    const { input } = describeCommand(get)
    expect(input).not.toBeNull()
    const properties = Object.entries(input?.['properties'] as Record<string, { type: unknown }>)
    expect(properties.length).toBeGreaterThan(5)
    const checker = checkerOf(input)
    for (const [name, { type }] of properties) {
      const value = type === 'boolean' ? true : type === 'object' ? { Accept: 'text/plain' } : '1'
      const params = { [name]: value }
      expect(() => readParams(get.flags, JSON.stringify(params))).not.toThrow()
      expect(checker.safeParse(params).success).toBe(true)
    }
    for (const wrong of [{ nonsense: 1 }, { url: true }, { 'max-cost': '1' }, { params: '{}' }]) {
      expect(() => readParams(get.flags, JSON.stringify(wrong))).toThrow()
      expect(checker.safeParse(wrong).success).toBe(false)
    }
  })

  test('real outputs are as published', async () => {
    const { home, buy, shop, withJournal } = await openSpender(
      'version: 1\nper_payment: 1000 sat\ntotal: 100000 sat\nauto_up_to: 20 sat\n',
    )
    await buy('/weather')
    await buy('/report/1').catch(() => undefined)
    const { runTokensList, runTokensShow } = await import('../../program/src/tokens/index.ts')
    const { runDelegate } = await import('../../program/src/delegation/index.ts')
    const { runReceiptsList, runReceiptsVerify } = await import(
      '../../program/src/receipts/index.ts'
    )
    const { runApprovalsList } = await import('../../program/src/approvals/index.ts')
    const { runWalletStatus } = await import('../../program/src/wallet-proxy/index.ts')
    const [{ id }] = JSON.parse((await runAt(home, tokensList, runTokensList, [])).stdout)
    const runs = [
      [tokensList, runTokensList, ['--json']],
      [tokensShow, runTokensShow, [id, '--json']],
      [delegate, runDelegate, ['--token', id, '--uses', '1', '--json']],
      [receiptsList, runReceiptsList, ['--json']],
      [receiptsVerify, runReceiptsVerify, ['--json']],
      [approvalsList, runApprovalsList, ['--json']],
      [walletStatus, runWalletStatus, ['--wallet', shop.wallet, '--json']],
    ] as const
    const { output: resumed } = describeCommand(resume)
    checkerOf(resumed).parse(await withJournal((journal) => findResumable(journal)))
    for (const [command, run, args] of runs) {
      const { stdout } = await runAt(home, command, run, args)
      const { output, line } = describeCommand(command)
      const written: unknown = JSON.parse(stdout)
      checkerOf(output).parse(written)
      if (line === null) continue
      expect(written).not.toEqual([])
      for (const one of written as readonly unknown[]) checkerOf(line).parse(one)
    }
  })
})
