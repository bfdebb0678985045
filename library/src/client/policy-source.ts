import type { L402Error } from '../errors.ts'
import { isL402Error } from '../errors.ts'
import type { Policy, PolicyOptions } from './policy.ts'
import { readPolicy, strictestPolicy } from './policy.ts'
import { refuseWithoutPolicy } from './refusal.ts'

/** What is in force at one moment. A decision takes one of these, and goes by nothing else. */
export type PolicyInForce = {
  readonly policy: Policy
  /** Why nothing may be paid under it, whatever it costs; `undefined`: the policy is sound. */
  readonly broken: ((origin: string) => L402Error) | undefined
}

/** Asks for the policy as it is now. Never throws. */
export type PolicySource = () => PolicyInForce

/** A policy that stays as it is. */
export function fixedPolicy(policy: Policy): PolicySource {
  return () => ({ policy, broken: undefined })
}

/**
 * A policy that may change. While it cannot be read the strictest one is in force, under which
 * nothing is paid and what needs no payment goes on.
 *
 * @spec client.md R-PAY-80
 */
export function changingPolicy(ask: () => PolicyOptions): PolicySource {
  return () => {
    const mistakes: Record<string, string> = {}
    try {
      const policy = readPolicy(ask(), mistakes)
      if (policy !== undefined) return { policy, broken: undefined }
      return brokenBy(listed(mistakes))
    } catch (error) {
      return brokenBy(said(error))
    }
  }
}

function brokenBy(what: string): PolicyInForce {
  return { policy: strictestPolicy, broken: (origin) => refuseWithoutPolicy(what, origin) }
}

function said(error: unknown): string {
  if (isL402Error(error, 'CONFIG_INVALID')) return listed(error.details)
  return error instanceof Error ? error.message : 'it could not be asked for'
}

function listed(mistakes: Readonly<Record<string, unknown>>): string {
  return Object.entries(mistakes)
    .map(([path, expected]) => `${path}: ${expected}`)
    .join('; ')
}
