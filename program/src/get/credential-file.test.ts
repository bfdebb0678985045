import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PaymentEntry } from 'satway/client'
import { afterAll, describe, expect, test } from 'vitest'
import { Failure } from '../cli/failure.ts'
import { openCredentialFile } from './credential-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'satway-credential-'))
afterAll(() => rmSync(folder, { recursive: true }))

const hash = 'ab'.repeat(32)
const preimage = 'cd'.repeat(32)
const ledger = (entry: Partial<PaymentEntry> | undefined) => ({
  find: async (asked: string) => (asked === hash ? (entry as PaymentEntry | undefined) : undefined),
})

describe('R-GET-18 --credential', () => {
  test('writes what this call bought, for its owner alone', async () => {
    const path = join(folder, 'bought')
    const file = openCredentialFile(path)
    const bought = ledger({ scheme: 'L402', token: 'AgEC', preimage })
    expect(await file.write(bought, hash)).toBe(path)
    file.close()
    expect(readFileSync(path, 'utf8')).toBe(`Authorization: L402 AgEC:${preimage}\n`)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  for (const [what, entry, asked] of [
    ['nothing was bought', { scheme: 'L402', token: 'AgEC', preimage }, null],
    ['the payment has no end yet', { scheme: 'L402', token: 'AgEC', preimage: undefined }, hash],
    ['it is not known', undefined, hash],
  ] as const) {
    test(`leaves no file when ${what}`, async () => {
      const path = join(folder, 'nothing')
      const file = openCredentialFile(path)
      expect(await file.write(ledger(entry), asked)).toBeNull()
      file.close()
      expect(existsSync(path)).toBe(false)
    })
  }

  test('writes over nothing', () => {
    const path = join(folder, 'there')
    writeFileSync(path, 'mine')
    expect(() => openCredentialFile(path)).toThrow(Failure)
    expect(readFileSync(path, 'utf8')).toBe('mine')
  })
})
