import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Step } from '../agent/index.ts'
import { Failure } from '../cli/failure.ts'
import type { Patience } from './patience.ts'
import { openPatience } from './patience.ts'

const request: Step = { kind: 'request', method: 'GET', url: 'http://a.test/', credential: false }
const answer: Step = { kind: 'answer', status: 402 }

let patience: Patience
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  patience = openPatience(10)
})
afterEach(() => {
  patience.end()
  vi.useRealTimers()
})

describe('R-GET-14 the time for the server', () => {
  test('ends the call', () => {
    patience.watch(request)
    vi.advanceTimersByTime(9999)
    expect(patience.signal.aborted).toBe(false)
    vi.advanceTimersByTime(1)
    expect(patience.signal.reason).toBeInstanceOf(Failure)
    expect(String(patience.signal.reason.message)).toBe('There was no answer within 10 s.')
  })

  test('does not run while the wallet pays or somebody is asked, and goes on after that', () => {
    patience.watch(request)
    vi.advanceTimersByTime(6000)
    patience.watch(answer)
    vi.advanceTimersByTime(600_000)
    patience.watch(request)
    vi.advanceTimersByTime(3999)
    expect(patience.signal.aborted).toBe(false)
    vi.advanceTimersByTime(1)
    expect(patience.signal.aborted).toBe(true)
  })

  test('does not run while the body comes', () => {
    patience.watch(request)
    patience.answered()
    vi.advanceTimersByTime(600_000)
    expect(patience.signal.aborted).toBe(false)
  })
})
