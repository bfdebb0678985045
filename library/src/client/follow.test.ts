import { describe, expect, test } from 'vitest'
import { readCall } from './call.ts'
import type { CallLimitOptions } from './call-limits.ts'
import { readCallLimits } from './call-limits.ts'
import { newTrail } from './deliver.ts'
import { follow } from './follow.ts'
import { strictestPolicy } from './policy.ts'
import { fixedPolicy } from './policy-source.ts'

/** Redirects within one host ask nothing of the policy. */
const parts = { policy: fixedPolicy(strictestPolicy) }

async function followed(redirects: number, l402: CallLimitOptions): Promise<number> {
  const call = readCall('https://shop.example/0', { l402 })
  let asked = 0
  const { response } = await follow(parts, call, newTrail(call), async () =>
    asked < redirects
      ? new Response(null, { status: 302, headers: { location: `/${++asked}` } })
      : new Response('end'),
  )
  return response.status === 200 ? asked : -1
}

describe('R-GET-20 a call follows as many redirects as it says, and 20 when it says nothing', () => {
  for (const [redirects, l402] of [
    [0, { maxRedirects: 0 }],
    [3, { maxRedirects: 3 }],
    [20, {}],
    [20, { maxRedirects: 20 }],
  ] as const) {
    test(`${redirects} under ${JSON.stringify(l402)}`, async () => {
      expect(await followed(redirects, l402)).toBe(redirects)
      await expect(followed(redirects + 1, l402)).rejects.toThrow('redirected too often')
    })
  }

  for (const [maxRedirects, kind] of [
    [-1, RangeError],
    [21, RangeError],
    [1.5, RangeError],
    [Number.NaN, RangeError],
    ['3', TypeError],
    [null, TypeError],
  ] as const) {
    test(`not a number of redirects: ${String(maxRedirects)}`, () => {
      const limits = { maxRedirects } as CallLimitOptions
      expect(() => readCallLimits(limits)).toThrow(kind)
    })
  }
})

describe('R-PAY-50 a redirect that is not followed', () => {
  for (const [what, location, init] of [
    ['once too often', '/next', { l402: { maxRedirects: 0 } }],
    ['where none is wanted', '/next', { redirect: 'error' }],
    ['to what is no http URL', 'gopher://shop.example/', {}],
    ['to a private network', 'http://10.0.0.1/', {}],
  ] as const) {
    test(`${what} is let go of`, async () => {
      let isOpen = true
      const body = new ReadableStream({
        cancel: () => {
          isOpen = false
        },
      })
      const call = readCall('https://shop.example/', init)
      const answer = async (): Promise<Response> =>
        new Response(body, { status: 302, headers: { location } })
      await expect(follow(parts, call, newTrail(call), answer)).rejects.toThrow()
      expect(isOpen).toBe(false)
    })
  }
})
