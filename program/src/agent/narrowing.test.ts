import fc from 'fast-check'
import { maxMsat, msat } from 'satway'
import { expect, test } from 'vitest'
import type { Narrowing } from './narrowing.ts'
import { narrow } from './narrowing.ts'
import type { FilePolicy } from './policy-rules.ts'

const amount = fc.bigInt({ min: 0n, max: 1000n }).map(msat)
const hosts = fc.uniqueArray(fc.constantFrom('a.example', '*.b.example', 'c.example:80'))
const policies: fc.Arbitrary<FilePolicy> = fc.record(
  {
    maxPaymentMsat: amount,
    maxTotalMsat: amount,
    maxFeeMsat: amount,
    perHourMsat: amount,
    perDayMsat: amount,
    perHostMsat: amount,
    askAboveMsat: amount,
    newHosts: fc.constantFrom('allow', 'ask', 'deny'),
    allowHosts: hosts,
    denyHosts: hosts,
    allowInvoices: fc.boolean(),
  },
  { requiredKeys: ['maxPaymentMsat', 'maxTotalMsat'] },
)
const narrowings: fc.Arbitrary<Narrowing> = fc.record(
  {
    perPaymentMsat: amount,
    perHourMsat: amount,
    perDayMsat: amount,
    perHostMsat: amount,
    totalMsat: amount,
    autoUpToMsat: amount,
    newHosts: fc.constantFrom('ask', 'deny'),
    denyHosts: hosts,
  },
  { requiredKeys: [] },
)
const limits = [
  ['maxPaymentMsat', 'perPaymentMsat'],
  ['perHourMsat', 'perHourMsat'],
  ['perDayMsat', 'perDayMsat'],
  ['perHostMsat', 'perHostMsat'],
  ['maxTotalMsat', 'totalMsat'],
  ['askAboveMsat', 'autoUpToMsat'],
] as const
const strictness = ['allow', 'ask', 'deny']

test('R-POL-10 arguments tighten the policy, each as far as it says, and none widens it', () => {
  fc.assert(
    fc.property(policies, narrowings, (policy, by) => {
      const both = narrow(policy, by)
      for (const [limit, argument] of limits) {
        const most = (value: bigint | undefined): bigint => value ?? maxMsat
        const [one, other] = [most(policy[limit]), most(by[argument])]
        expect(most(both[limit])).toBe([one, other].sort((a, b) => Number(a - b))[0])
      }
      const rank = (word: string | undefined): number => strictness.indexOf(word ?? 'allow')
      expect(rank(both.newHosts)).toBe(Math.max(rank(policy.newHosts), rank(by.newHosts)))
      expect(both.denyHosts ?? []).toEqual([...(policy.denyHosts ?? []), ...(by.denyHosts ?? [])])
      // Where somebody is to be asked, there is a price from which on: without it nobody would be.
      if (both.newHosts === 'ask' && by.newHosts === 'ask') expect(both.askAboveMsat).toBeDefined()
      for (const untouched of ['maxFeeMsat', 'allowHosts', 'allowInvoices'] as const) {
        expect(both[untouched]).toEqual(policy[untouched])
      }
    }),
  )
})

test('R-POL-10 without arguments the policy is as it is', () => {
  fc.assert(
    fc.property(policies, (policy) => {
      fc.pre(policy.newHosts !== 'ask' || policy.askAboveMsat !== undefined)
      fc.pre(policy.denyHosts?.length !== 0)
      expect(narrow(policy, {})).toEqual(policy)
    }),
  )
})
