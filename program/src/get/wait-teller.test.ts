import { describe, expect, test } from 'vitest'
import type { Screen } from '../cli/screen.ts'
import { createWaitTeller } from './wait-teller.ts'

describe('R-GET-28 what a call waits for', () => {
  test('is told once for each question, with the commands that answer it', () => {
    let written = ''
    const screen = {
      width: 80,
      write: (text: string) => {
        written += text
      },
    } as Screen
    const tell = createWaitTeller(screen)
    tell({ kind: 'asking', askedBecause: 'amount', costMsat: '1000' })
    expect(written).toBe('')
    for (const approvalId of ['k7m2p9xq', 'k7m2p9xq', 'aaaa2222']) {
      tell({ kind: 'waiting', approvalId, seconds: 59.5 })
    }
    expect(written.match(/Waiting up to 60 s/g)).toHaveLength(2)
    expect(written).toContain('\n  satway approvals approve k7m2p9xq, or deny k7m2p9xq\n')
    expect(written).toContain('\n  satway approvals approve aaaa2222, or deny aaaa2222\n')
    for (const line of written.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })
})
