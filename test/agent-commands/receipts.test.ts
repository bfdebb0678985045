import { appendFileSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  receiptsExport,
  receiptsList,
  receiptsRestore,
  receiptsVerify,
} from '../../program/src/cli/receipts-commands.ts'
import { columns } from '../../program/src/cli/screen.ts'
import {
  runReceiptsExport,
  runReceiptsList,
  runReceiptsRestore,
  runReceiptsVerify,
} from '../../program/src/receipts/index.ts'
import { receiptCheck, receiptView } from '../../program/src/schema/index.ts'
import type { DeskOptions, Ended } from './desk.ts'
import { runAt } from './desk.ts'
import { openSpender } from './spender.ts'

function list(home: string, args: readonly string[] = [], options?: DeskOptions): Promise<Ended> {
  return runAt(home, receiptsList, runReceiptsList, args, options)
}

function verify(home: string, args: readonly string[] = [], options?: DeskOptions): Promise<Ended> {
  return runAt(home, receiptsVerify, runReceiptsVerify, args, options)
}

function exported(home: string, args: readonly string[] = []): Promise<Ended> {
  return runAt(home, receiptsExport, runReceiptsExport, args)
}

describe('R-CLI-9 receipts are listed, verified and exported', () => {
  test('oldest first, by time, origin and number', async () => {
    const { home, buy, shop } = await openSpender()
    await buy('/weather', '/report/1')
    const read = async (...args: readonly string[]): Promise<readonly { kind: string }[]> =>
      receiptView.array().parse(JSON.parse((await list(home, args)).stdout))
    const all = await read()
    const kinds = ['intent', 'sending', 'settled', 'delivered']
    expect(all.map(({ kind }) => kind)).toEqual([...kinds, ...kinds])
    expect(await read('--limit', '1')).toEqual(all.slice(-1))
    expect(await read('--since', '1h')).toEqual(all)
    expect(await read('--since', '2100-01-01')).toEqual([])
    expect(await read('--origin', shop.url)).toEqual(all)
    expect(await read('--origin', new URL(shop.url).host)).toEqual(all)
    expect(await read('--origin', 'https://api.example.com')).toEqual([])
    expect(await read('--origin', 'lightning:02ab')).toEqual([])
    const lines = (await list(home, ['--ndjson'])).stdout.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual(all)
  })

  test('a terminal of 80 columns gets lines that fit', async () => {
    const { home, buy } = await openSpender()
    await buy('/weather', `/report/${'long'.repeat(30)}`)
    const { stdout } = await list(home, [], { terminal: 80 })
    expect(stdout).toMatch(/WHEN +WHAT +ORIGIN +REQUEST +AMOUNT +BECAUSE/)
    expect(stdout).toMatch(/settled .+10 sat/)
    for (const line of stdout.split('\n')) expect(columns(line)).toBeLessThanOrEqual(80)
  })

  for (const since of ['yesterday', '-1h', '1y', '2026-02-30', '2026-13-01', '0m', '']) {
    test(`--since ${since} is a mistake`, async () => {
      const { home } = await openSpender()
      expect((await list(home, ['--since', since])).code).toBe(2)
    })
  }

  test('what was changed is found, with exit code 1', async () => {
    const { home, buy } = await openSpender()
    await buy('/weather')
    const good = await verify(home, ['--json'])
    expect(good.code).toBe(0)
    const check = receiptCheck.parse(JSON.parse(good.stdout))
    expect(check).toMatchObject({ ok: true, lines: 4, settled: 1, proven: 1, problems: [] })
    expect((await verify(home, [], { terminal: 80 })).stdout).toContain(check.head)

    const file = join(home, 'receipts.jsonl')
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replace('"10000"', '"10001"'))
    const bad = await verify(home, ['--json'])
    expect(bad.code).toBe(1)
    const found = receiptCheck.parse(JSON.parse(bad.stdout))
    expect(found.ok).toBe(false)
    expect(found.problems.length).toBeGreaterThan(0)
    const words = await verify(home, [], { terminal: 80 })
    expect(words.code).toBe(1)
    expect(words.stdout).toContain('The receipts are not in order.')
    appendFileSync(file, 'not a receipt\u001b[2J\n')
    expect((await verify(home, [], { terminal: 80 })).stdout).not.toContain('\u001b')
  })

  test('CSV goes to standard output, or to a file of one’s own', async () => {
    const { home, buy } = await openSpender()
    await buy('/weather', '/report/1')
    const { stdout, code } = await exported(home, ['--csv'])
    expect(code).toBe(0)
    expect(stdout.trimEnd().split('\r\n')).toHaveLength(3)
    expect((await exported(home)).stdout).toBe(stdout)
    const file = join(home, 'payments.csv')
    const ended = await exported(home, ['-o', file])
    expect([ended.stdout, readFileSync(file, 'utf8')]).toEqual(['', stdout])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect((await exported(home, ['-o', join(home, 'none/x.csv')])).code).toBe(1)
  })
})

describe('R-CLI-12 the file of receipts is written anew, once a damaged one was moved away', () => {
  const restore = (home: string, options?: DeskOptions): Promise<Ended> =>
    runAt(home, receiptsRestore, runReceiptsRestore, [], options)

  test('and never over another one', async () => {
    const { home, buy } = await openSpender()
    await buy('/weather')
    const file = join(home, 'receipts.jsonl')
    const whole = readFileSync(file)
    appendFileSync(file, 'mine\n')
    await buy('/report/1')
    expect((await verify(home)).code).toBe(1)
    const refused = await restore(home)
    expect([refused.code, refused.stdout]).toEqual([1, ''])
    expect(refused.stderr).toContain('move it away')

    renameSync(file, join(home, 'looked-at'))
    const done = await restore(home)
    expect([done.code, done.stdout]).toEqual([0, `Written: ${file}, 8 lines.\n`])
    expect((await verify(home)).code).toBe(0)
    const written = readFileSync(file)
    expect(written.subarray(0, whole.length).equals(whole)).toBe(true)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    await buy('/report/2')
    expect((await verify(home)).code).toBe(0)
  })

  test('by the operator alone', async () => {
    const { home, buy } = await openSpender()
    await buy('/weather')
    const file = join(home, 'receipts.jsonl')
    renameSync(file, `${file}.away`)
    expect((await restore(home, { environment: { SATWAY_AGENT: '1' } })).code).toBe(3)
    expect((await restore(home)).code).toBe(0)
  })

  test('where nothing was bought it says so', async () => {
    const { home } = await openSpender()
    expect((await restore(home)).code).toBe(1)
  })
})
