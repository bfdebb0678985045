export type Meaning = {
  readonly status: number
  readonly title: string
  /** What whoever asked does next. */
  readonly hint: string
}

/** What the admin API refuses with. Beside the codes of the protocol, and never among them. */
export type ProblemCode =
  | 'ADMIN_HOST'
  | 'ADMIN_ORIGIN'
  | 'ADMIN_UNAUTHENTICATED'
  | 'ADMIN_CAVEAT'
  | 'ADMIN_SCOPE'
  | 'ADMIN_NOT_FOUND'
  | 'ADMIN_METHOD'
  | 'ADMIN_MALFORMED'
  | 'ADMIN_MEDIA_TYPE'
  | 'ADMIN_TOO_LARGE'
  | 'ADMIN_CONFLICT'
  | 'ADMIN_INVALID'
  | 'ADMIN_UNAVAILABLE'
  | 'ADMIN_FAULT'

/** Every code of the admin API. The table is the registry: the OpenAPI document is made from it. */
export const problems: Readonly<Record<ProblemCode, Meaning>> = {
  ADMIN_HOST: {
    status: 421,
    title: 'Misdirected Request',
    hint: 'Ask for 127.0.0.1 or localhost. Other names are refused, so that no web page can reach this by a name of its own.',
  },
  ADMIN_ORIGIN: {
    status: 403,
    title: 'Forbidden',
    hint: 'Web pages may not use this API. Use `satway admin` or another program that sends no Origin.',
  },
  ADMIN_UNAUTHENTICATED: {
    status: 401,
    title: 'Unauthenticated',
    hint: 'Send `Authorization: Macaroon <base64>` with the macaroon in the file that the gateway wrote (admin.macaroon), or with a copy that `satway admin macaroon` narrowed.',
  },
  ADMIN_CAVEAT: {
    status: 403,
    title: 'Forbidden',
    hint: 'The macaroon is authentic, but one of its own caveats refuses. Ask whoever gave it to you for another.',
  },
  ADMIN_SCOPE: {
    status: 403,
    title: 'Forbidden',
    hint: 'The macaroon is authentic, but was narrowed to other scopes. Use one that has the scope in `detail`.',
  },
  ADMIN_NOT_FOUND: {
    status: 404,
    title: 'Not Found',
    hint: 'List what there is, and check the spelling. /openapi.json has all paths.',
  },
  ADMIN_METHOD: {
    status: 405,
    title: 'Method Not Allowed',
    hint: 'Use one of the methods in the Allow header.',
  },
  ADMIN_MALFORMED: {
    status: 400,
    title: 'Bad Request',
    hint: 'Correct what `detail` names; /openapi.json says what is taken.',
  },
  ADMIN_MEDIA_TYPE: {
    status: 415,
    title: 'Unsupported Media Type',
    hint: 'Send JSON, with `Content-Type: application/json`.',
  },
  ADMIN_TOO_LARGE: {
    status: 413,
    title: 'Content Too Large',
    hint: 'A body may have 64 KiB.',
  },
  ADMIN_CONFLICT: {
    status: 409,
    title: 'Conflict',
    hint: 'Nothing was changed. `detail` says what stands in the way.',
  },
  ADMIN_INVALID: {
    status: 422,
    title: 'Unprocessable Content',
    hint: 'Nothing was changed. Correct all the mistakes that are listed, and send it again.',
  },
  ADMIN_UNAVAILABLE: {
    status: 503,
    title: 'Service Unavailable',
    hint: 'The state file cannot be used at the moment. See GET /readyz, and repeat the request after the time in Retry-After.',
  },
  ADMIN_FAULT: {
    status: 500,
    title: 'Internal Server Error',
    hint: 'This is a fault of satway. The log of the gateway has the reason.',
  },
}

/** Why the admin API refuses. Thrown by everything that reads a request. */
export class AdminProblem extends Error {
  override readonly name = 'AdminProblem'
  readonly code: ProblemCode
  /** Of the form `path: what was expected`. */
  readonly mistakes: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  /** What to do about this one, where the code's own hint says too little. */
  readonly hint: string | undefined

  /** @param detail - One sentence about this request, for API and command alike. Carries no secret. */
  constructor(
    code: ProblemCode,
    detail: string,
    more: {
      readonly mistakes?: readonly string[]
      readonly headers?: Readonly<Record<string, string>>
      readonly hint?: string
    } = {},
  ) {
    super(detail)
    this.code = code
    this.mistakes = more.mistakes ?? []
    this.headers = more.headers ?? {}
    this.hint = more.hint
  }
}

/** The answer to a refused request, as problem details (RFC 9457). */
export function writeProblem(problem: AdminProblem): {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
} {
  const { status, title, hint } = problems[problem.code]
  const body = {
    type: `urn:satway:problem:${problem.code.toLowerCase().replaceAll('_', '-')}`,
    title,
    status,
    detail: problem.message,
    code: problem.code,
    hint: problem.hint ?? hint,
    ...(problem.mistakes.length > 0 && { mistakes: problem.mistakes }),
  }
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...everyAnswer,
      ...(status === 401 && { 'www-authenticate': 'Macaroon' }),
      ...(status === 503 && { 'retry-after': '5' }),
      ...problem.headers,
    },
    body: JSON.stringify(body),
  }
}

/** Headers of every answer, good or bad. */
export const everyAnswer: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
}

/** Text that somebody else chose, as it may stand in a message or a log. */
export function quoted(text: string): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '')
  return plain.length > 64 ? `${plain.slice(0, 64)}…` : plain
}
