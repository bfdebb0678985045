import { z } from 'zod'
import {
  approvalView,
  callReport,
  configView,
  delegatedToken,
  doctorReport,
  policyView,
  receiptCheck,
  receiptView,
  resumableList,
  spendingView,
  tokenView,
  walletStatus,
} from '../schema/index.ts'

/** What a command writes with --json: one thing, or a list of which --ndjson writes a line each. */
export type Output = { readonly one: z.ZodType } | { readonly listOf: z.ZodType }

/** Every JSON output of the agent's side, by its command. */
export const outputs: Readonly<Record<string, Output>> = {
  get: { one: callReport },
  // Without a payment hash it lists what can be gone on with.
  resume: { one: z.union([callReport, resumableList]) },
  'tokens list': { listOf: tokenView },
  'tokens show': { one: tokenView },
  delegate: { one: delegatedToken },
  'receipts list': { listOf: receiptView },
  'receipts verify': { one: receiptCheck },
  'approvals list': { listOf: approvalView },
  'approvals approve': { one: approvalView },
  'approvals deny': { one: approvalView },
  'wallet status': { one: walletStatus },
  'policy show': { one: policyView },
  'policy check': { one: policyView },
  'config show': { one: configView },
  'policy spending': { one: spendingView },
  doctor: { one: doctorReport },
}

/** A schema as JSON Schema, draft 2020-12. */
export function toJsonSchema(schema: z.ZodType): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(schema, { target: 'draft-2020-12' })
}

/** What `--json` and `--ndjson` of a command write; `null`: it has no such output, or no schema. */
export function outputSchemas(command: string): {
  readonly output: Readonly<Record<string, unknown>> | null
  readonly line: Readonly<Record<string, unknown>> | null
} {
  const output = outputs[command]
  if (output === undefined) return { output: null, line: null }
  if ('one' in output) return { output: toJsonSchema(output.one), line: null }
  return { output: toJsonSchema(z.array(output.listOf)), line: toJsonSchema(output.listOf) }
}
