import { strange } from './redact.ts'

/** A change that somebody asked for through the admin API. */
export type AdminChange = {
  /** `revoke`, `service.create`. */
  readonly action: string
  /**
   * What was to be changed. An id or a name that is known stands whole: it is no secret. Of any other
   * only so much as tells what was meant.
   */
  readonly target: string | undefined
  /** `done`, or the code of the refusal. */
  readonly result: string
  /** Of the macaroon and all its copies: 32 hex digits. Public. */
  readonly macaroon: string
  /** A fingerprint that tells one copy from another. */
  readonly copy: string
}

const whole = /^[0-9a-f]{64}$/

/** The members of a line of JSON, in order. Nothing is redacted: ids are what such a line is for. */
export function changeFacts(change: AdminChange): Readonly<Record<string, string>> {
  const { action, target, result, macaroon, copy } = change
  return {
    action,
    ...(target !== undefined && { target: target.replace(strange, ' ') }),
    result,
    macaroon,
    copy,
  }
}

/** The same for people: `admin revoke 017cdf48… done (macaroon 9f31ab02…, copy 5d20c7aa)`. */
export function changeText({ action, target, result, macaroon, copy }: AdminChange): string {
  const plain = target?.replace(strange, ' ')
  const shown = plain !== undefined && whole.test(plain) ? shortened(plain) : plain
  const end = result === 'done' ? 'done' : `refused ${result}`
  const words = ['admin', action, ...(shown === undefined ? [] : [shown]), end]
  return `${words.join(' ')} (macaroon ${shortened(macaroon)}, copy ${copy})`
}

function shortened(hex: string): string {
  return `${hex.slice(0, 8)}…`
}
