/** How the program ends. Scripts branch on these; they never change their meaning. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  paymentFailed: 4,
  paymentUnknown: 5,
  notDelivered: 6,
  network: 7,
  tooExpensive: 8,
  needsApproval: 9,
  httpError: 22,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** For `--help`. */
export const exitCodeMeanings: readonly (readonly [ExitCode, string])[] = [
  [0, 'done'],
  [1, 'failed for another reason; the message says which'],
  [2, 'the command line has a mistake'],
  [3, 'refused before paying: by the policy, or by a check of the challenge'],
  [4, 'the payment failed for good; no money moved'],
  [5, 'the payment was started and its end is not known: do not pay again'],
  [6, 'paid, but the server did not deliver'],
  [7, 'the server or the wallet cannot be reached; nothing was paid'],
  [8, 'too expensive: a limit is in the way; nothing was paid'],
  [9, 'waits for your approval: satway approvals list; nothing was paid'],
  [22, 'the server answered with an error status'],
]
