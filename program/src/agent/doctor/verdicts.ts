import type { DoctorCheck } from '../../schema/index.ts'

/** One finding: what was looked at, how it is, and what to do about it. */
type Verdict = (name: string, message: string, advice?: string) => DoctorCheck

const verdict =
  (word: DoctorCheck['verdict']): Verdict =>
  (name, message, advice) => ({ name, verdict: word, message, advice: advice ?? null })

export const ok: Verdict = verdict('ok')
/** Works, and could be better. */
export const warning: Verdict = verdict('warning')
/** Has to be mended. */
export const failure: Verdict = verdict('failure')
/** There is nothing to look at. */
export const skipped: Verdict = verdict('skipped')

/** What an error says, for people: of this program's own errors with what to do. */
export function failureOf(name: string, error: unknown): DoctorCheck {
  const { message, advice } = error as { readonly message?: string; readonly advice?: string }
  return failure(name, message ?? 'failed for an unknown reason', advice)
}
