import { beforeAll, describe, expect, test } from 'vitest'
import { crashPoints } from '../../library/src/client/crash-point.ts'
import type { CampaignResult } from './campaign.ts'
import { runCampaign } from './campaign.ts'

// One campaign, judged by the network's own books. `npm run crash` runs a longer one.
const killsAtEachPoint = Number(process.env['SATWAY_CRASH_KILLS'] ?? 100)
const randomKills = killsAtEachPoint * 10

describe('R-PAY-39 processes that die while they buy, two at a time on one journal', () => {
  let result: CampaignResult
  beforeAll(async () => {
    result = await runCampaign({ killsAtEachPoint, randomKills })
  }, 1_200_000)

  test('died at every point, and as often as they should', () => {
    expect(result.failures).toEqual([])
    expect(crashPoints.length).toBeGreaterThanOrEqual(12)
    expect(result.fewestAtOnePoint).toBe(killsAtEachPoint)
  })

  test('paid for nothing twice, and got everything', () => {
    expect(result.paidTwice).toEqual([])
    expect(result.lost).toEqual([])
    expect(result.payments).toBe(result.items)
  })

  test('lost no preimage', () => {
    expect(result.preimagesLost).toBe(0)
  })

  test('counted every msat: the journal says what left the wallet, and nothing is set aside', () => {
    expect(result.budgetErrorMsat).toBe(0n)
    expect(result.heldMsat).toBe(0n)
  })

  test('recovered within 5 s of the next start', () => {
    // The slowest of thousands is as slow as the machine was at that moment.
    const { slowestRecoveryMs, medianRecoveryMs } = result
    expect(medianRecoveryMs).toBeLessThan(5000)
    expect(slowestRecoveryMs).toBeLessThan(Math.max(5000, 50 * medianRecoveryMs))
  })
})
