import { z } from 'zod'

// What tools take. Strict: an argument that is not known is a mistake, not an absent limit.

const maxBodyCharacters = 524_288
const maxTimeoutSeconds = 600
export const defaultTimeoutSeconds = 60

/** Names what is unknown, cut: its sender may have put anything there. */
function strict<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined
      const names = issue.keys.slice(0, 4).map((key) => JSON.stringify(key.slice(0, 64)))
      return `unknown argument ${names.join(', ')}; expected ${Object.keys(shape).join(', ')}`
    },
  })
}

const amount = z
  .string()
  .max(40)
  .regex(/^\d{1,20}(\.\d{1,11})? ?(msat|sats?|btc)$/i, 'expected an amount such as "10 sat"')
const hash = z.string().regex(/^[0-9a-f]{64}$/i, 'expected 64 hex digits')
const origin = z.string().max(300).describe('Scheme, host and port: https://api.example.com')
const headers = z
  .record(z.string(), z.string())
  .describe('Request headers. Not Authorization, Cookie, Host, Proxy-* or hop-by-hop headers.')
const body = z.string().max(maxBodyCharacters).describe('Request body, as text.')
const saveAs = z
  .string()
  .max(100)
  .describe(
    'Save the body under this plain file name in the download folder instead of returning it. An existing file is never overwritten; a number is added.',
  )

const request = {
  url: z.string().min(1).max(4096).describe('An http or https URL.'),
  method: z
    .enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
    .optional()
    .describe('Default GET, or POST with a body.'),
  headers: headers.optional(),
  body: body.optional(),
  contentType: z
    .string()
    .max(200)
    .optional()
    .describe('Of the body. Default application/json where it is JSON, else text/plain.'),
  maxCost: amount
    .optional()
    .describe(
      'The highest price that is paid, such as "10 sat", as --max-cost of the command line: the fee of the route comes on top, within maxFee and the policy. It can only lower what the policy allows.',
    ),
  maxFee: amount
    .optional()
    .describe('The most that the Lightning route may take. It can only lower the policy.'),
  timeoutSeconds: z
    .number()
    .int()
    .min(1)
    .max(maxTimeoutSeconds)
    .optional()
    .describe(`Until the answer begins. Default ${defaultTimeoutSeconds}.`),
  pay: z
    .boolean()
    .optional()
    .describe('false: pay nothing. What was bought before is still used. Default true.'),
} as const

export const fetchInput = strict({ ...request, saveAs: saveAs.optional() })

export const quoteInput = strict(request)

export const resumeInput = strict({
  paymentHash: hash.describe('"resume" of the result that was unknown or not delivered.'),
  headers: headers.optional(),
  body: body.optional().describe('The body of the request again, when it had one.'),
  saveAs: saveAs.optional(),
})

export const delegateInput = strict({
  token: z
    .string()
    .regex(/^[0-9a-f]{32}$/i, 'expected the id of a token, 32 hex digits')
    .optional()
    .describe('Id of a token, from the tool "tokens".'),
  origin: origin.optional().describe('Instead of a token: the latest one of this origin.'),
  uses: z.number().int().min(1).max(1_000_000_000).optional().describe('How many requests.'),
  spend: amount.optional().describe('How much of it may be used up, in whole sat.'),
  expires: z
    .string()
    .regex(/^[1-9]\d{0,5}[smhd]$/, 'expected a duration such as "90s", "30m", "1h", "7d"')
    .optional()
    .describe('For how long, such as "1h". Default 1h.'),
  method: z
    .enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
    .optional()
    .describe('For this method alone.'),
  path: z
    .string()
    .max(200)
    .regex(/^\/[\x21-\x7e]*$/, 'expected a path that begins with /')
    .optional()
    .describe('For this path alone, or with /* at the end for all below it.'),
})

export const tokensInput = strict({ origin: origin.optional() })

export const receiptsInput = strict({
  origin: origin.optional(),
  sinceSeconds: z
    .number()
    .int()
    .min(0)
    .max(99_999_999_999)
    .optional()
    .describe('Seconds since 1970: nothing older.'),
  limit: z.number().int().min(1).max(200).optional().describe('The latest so many. Default 50.'),
})

export const noInput = strict({})

export type QuoteArguments = z.infer<typeof quoteInput>
export type ResumeArguments = z.infer<typeof resumeInput>
export type DelegateArguments = z.infer<typeof delegateInput>
