import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { delegate } from '../../program/src/cli/delegate.ts'
import { proxyCodes } from '../../program/src/wallet-proxy/proxy-problem.ts'

const docs = join(import.meta.dirname, '../../docs')

describe('the documents of the agent’s commands', () => {
  test('docs/wallet-proxy.md has every code of the proxy with its status, and no other (R-WPX-6)', () => {
    const text = readFileSync(join(docs, 'wallet-proxy.md'), 'utf8')
    const rows = [...text.matchAll(/^\| (\d{3}) \| ((?:`PROXY_[A-Z_]+`(?:, )?)+) \|/gm)]
    const stated = rows.flatMap(([, status, codes = '']) =>
      [...codes.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => [code, Number(status)]),
    )
    const known = Object.entries(proxyCodes).map(([code, { status }]) => [code, status])
    expect(stated.sort()).toEqual(known.sort())
  })

  test('docs/delegation.md has every option that restricts (R-DEL-1)', () => {
    const text = readFileSync(join(docs, 'delegation.md'), 'utf8')
    for (const flag of Object.keys(delegate.flags)) {
      if (flag === 'json') continue
      expect(text).toContain(`--${flag}`)
    }
  })
})
