import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { skipPart } from '../parts.ts'
import { describeCommand, processesOf } from './command.ts'
import { describeCrashes } from './crash.ts'
import { describeDemo } from './demo.ts'
import { describeFigures } from './figures.ts'
import { describeConformance } from './lnd-conformance.ts'
import type { Regtest } from './network.ts'
import { startRegtest } from './network.ts'
import { describeNodeLoss } from './node-loss.ts'
import { buildPrograms } from './programs.ts'
import { describePurchases } from './purchases.ts'
import { describeReconnect } from './reconnect.ts'
import { describeRefusals } from './refusals.ts'

// One network for all of it. A step that takes long says so; nothing else is printed.
const progress = (line: string): void => void process.stderr.write(`regtest: ${line}\n`)
const programs = await buildPrograms(progress)
const lack = 'lack' in programs ? programs.lack : undefined

let started: Regtest | undefined
const network = (): Regtest => {
  if (started === undefined) throw new Error('The network has not started.')
  return started
}

describe.skipIf(skipPart('lnd', lack))('a real network', () => {
  beforeAll(async () => {
    if ('lack' in programs) return
    started = await startRegtest(programs, progress)
    progress(`Ready in ${(started.readyMs / 1000).toFixed(1)} s.`)
  }, 180_000)
  afterAll(async () => {
    if (started === undefined) return
    const { folder, close } = started
    if (process.platform === 'linux') expect(processesOf(folder).length).toBeGreaterThan(3)
    await close()
    expect(processesOf(folder)).toEqual([])
    expect(existsSync(folder)).toBe(false)
  })

  test('R-REG-4 is ready in 90 s', () => {
    expect(network().readyMs).toBeLessThan(90_000)
  })
  describeFigures(network, progress)
  describeConformance(network)
  describeRefusals(network)
  describeDemo(network)
  describePurchases(network, progress)
  describeCrashes(network)
  describeNodeLoss(network)
  describeReconnect(network)
  describeCommand()
})
