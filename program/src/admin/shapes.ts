/** JSON Schema, draft 2020-12. */
export type Schema = { readonly [member: string]: unknown }

export type Shape = { readonly schema: Schema; readonly example: unknown }

export type ShapeName =
  | 'Alive'
  | 'Health'
  | 'Info'
  | 'ServiceDocument'
  | 'Service'
  | 'ServiceList'
  | 'Token'
  | 'TokenList'
  | 'RevocationRequest'
  | 'Revocation'
  | 'RevocationList'
  | 'TransactionList'
  | 'Stats'
  | 'Reloaded'
  | 'Problem'

const hash: Schema = { type: 'string', pattern: '^[0-9a-f]{64}$' }
const time: Schema = {
  type: 'string',
  description: 'RFC 3339, UTC.',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$',
}
const amount: Schema = {
  type: 'string',
  description: 'Millisatoshis in decimal digits. Text, because JSON numbers end at 2^53.',
  pattern: '^(?:0|[1-9]\\d*)$',
}
const count: Schema = { type: 'integer', minimum: 0 }
const words: Schema = { type: 'string' }
const flag: Schema = { type: 'boolean' }
const state: Schema = { type: 'string', enum: ['active', 'revoked', 'expired'] }

export const serviceName: Schema = { type: 'string', pattern: '^[a-z][a-z0-9-]{0,31}$' }
export const revocationId: Schema = {
  type: 'string',
  description: 'A payment hash or token id in hex, or a delegation id (`did=` in a token).',
  pattern: '^[A-Za-z0-9_-]{1,64}$',
}
const revocationKind: Schema = { type: 'string', enum: ['token', 'delegation'] }

const exampleHash = 'd1f4c2a09b7e6635840f1c2d3e4f5a6b7c8d9e0f112233445566778899aabbcc'
const exampleTokenId = '01a3b5c7d9e1f30415263748596a7b8c9d0e1f2031425364758697a8b9cadbec'
const exampleToken = {
  token_id: exampleTokenId,
  payment_hash: exampleHash,
  state: 'active',
  service: 'weather',
  capability: 'report',
  amount_msat: '10000',
  bought_at: '2026-11-25T08:00:00Z',
  valid_until: '2026-11-25T09:00:00Z',
  last_seen_at: '2026-11-25T08:01:00Z',
  uses: 3,
}
const exampleTransaction = {
  payment_hash: exampleHash,
  token_id: exampleTokenId,
  amount_msat: '10000',
  settled_at: '2026-11-25T08:00:00Z',
  reported: true,
  service: 'weather',
  capability: 'report',
  state: 'active',
  uses: 3,
  valid_until: '2026-11-25T09:00:00Z',
  last_seen_at: '2026-11-25T08:01:00Z',
}
const exampleDocument = {
  name: 'weather',
  hosts: ['api.example.com'],
  upstream: { url: 'http://127.0.0.1:3000', headers: { 'X-Key': `\${WEATHER_KEY}` } },
  routes: { 'GET /v1/weather/:city': '10 sat', 'GET /': 'free' },
}
const exampleService = { name: 'weather', origin: 'api', document: exampleDocument }
const exampleRevocation = {
  id: exampleHash,
  reason: 'leaked in a public repository',
  revoked_at: '2026-11-25T08:30:00Z',
}
const totals = { payments: 12, revenue_msat: '120000', uses: 30 }

/** Every document that goes in or out, with an example. */
export const shapes: Readonly<Record<ShapeName, Shape>> = {
  Alive: shape(object({ status: { type: 'string', const: 'ok' } }), { status: 'ok' }),
  Health: shape(
    object({
      ok: flag,
      checks: list(
        object({ name: words, ok: flag, detail: words, duration_ms: { type: 'number' } }),
      ),
    }),
    { ok: true, checks: [{ name: 'wallet', ok: true, detail: 'answers', duration_ms: 2.5 }] },
  ),
  Info: shape(
    object({
      version: words,
      network: words,
      started_at: time,
      uptime_seconds: count,
      config_file: nullable(words),
      workers: count,
      services: count,
      scopes: list({ type: 'string', enum: ['read', 'services', 'revoke'] }),
    }),
    {
      version: '0.1.0',
      network: 'regtest',
      started_at: '2026-11-25T08:00:00Z',
      uptime_seconds: 3600,
      config_file: '/etc/satway/satway.yaml',
      workers: 2,
      services: 1,
      scopes: ['read', 'services', 'revoke'],
    },
  ),
  ServiceDocument: shape(
    {
      type: 'object',
      description:
        'One member of `services` of the configuration file, whole. References to the environment and to files are read by the gateway, and kept as they are written.',
      required: ['upstream', 'routes'],
      properties: {
        name: serviceName,
        hosts: list({ type: 'string', description: '`api.example.com`, `*.example.com`.' }),
        mount: { type: 'string', description: 'The paths it answers for: `/` or `/v2`.' },
        upstream: { type: ['string', 'object'], description: 'A URL, or its settings.' },
        defaults: { type: 'object', description: 'Settings for all priced routes.' },
        routes: {
          type: 'object',
          description: '`METHOD /pattern` to a price, `free`, or the settings of the route.',
          additionalProperties: { type: ['string', 'object'] },
        },
      },
    },
    exampleDocument,
  ),
  Service: shape(serviceSchema(), exampleService),
  ServiceList: shape(object({ items: list(serviceSchema()) }), { items: [exampleService] }),
  Token: shape(tokenSchema(), exampleToken),
  TokenList: shape(page(tokenSchema()), { items: [exampleToken], next: null }),
  RevocationRequest: shape(
    {
      ...object({
        id: {
          ...revocationId,
          description:
            'A token id or payment hash in hex, or its first 8 or more digits; or a delegation id (`did=` in a token).',
        },
        kind: {
          ...revocationKind,
          description: 'What `id` names. Default `token`: one that was seen.',
        },
        unseen: {
          type: 'boolean',
          description: 'Deny a token before it was ever used. `id` is then all 64 digits.',
        },
        reason: { type: 'string', maxLength: 200 },
      }),
      required: ['id'],
    },
    { id: exampleHash, reason: 'leaked in a public repository' },
  ),
  Revocation: shape(
    object({
      ...revocationMembers(),
      kind: revocationKind,
      known: {
        type: 'boolean',
        description: 'Whether a token or payment of this id was seen. A delegation id never is.',
      },
      token: {
        description: 'What was revoked. Null when it was not seen, and without the scope `read`.',
        anyOf: [tokenSchema(), { type: 'null' }],
      },
    }),
    {
      ...exampleRevocation,
      kind: 'token',
      known: true,
      token: { ...exampleToken, state: 'revoked' },
    },
  ),
  RevocationList: shape(object({ items: list(object(revocationMembers())) }), {
    items: [exampleRevocation],
  }),
  TransactionList: shape(page(transactionSchema()), { items: [exampleTransaction], next: null }),
  Stats: shape(
    object({
      from: time,
      until: time,
      total: object(totalMembers()),
      items: list({
        ...object({ service: nullable(words), day: dayOf(), ...totalMembers() }),
        required: ['service', 'payments', 'revenue_msat', 'uses'],
      }),
    }),
    {
      from: '2026-11-19T00:00:00Z',
      until: '2026-11-26T00:00:00Z',
      total: totals,
      items: [{ service: 'weather', day: '2026-11-25', ...totals }],
    },
  ),
  Reloaded: shape(
    object({
      services: count,
      needs_restart: {
        ...list(words),
        description:
          'Settings of the file that differ from those the gateway was started with, and wait for its next start.',
      },
    }),
    { services: 2, needs_restart: ['listen'] },
  ),
  Problem: shape(
    {
      ...object({
        type: words,
        title: words,
        status: { type: 'integer' },
        detail: words,
        code: words,
        hint: words,
        mistakes: list(words),
      }),
      required: ['type', 'title', 'status', 'detail', 'code', 'hint'],
    },
    {
      type: 'urn:satway:problem:admin-not-found',
      title: 'Not Found',
      status: 404,
      detail: 'There is no service "wether".',
      code: 'ADMIN_NOT_FOUND',
      hint: 'List what there is, and check the spelling. /openapi.json has all paths.',
    },
  ),
}

function tokenSchema(): Schema {
  return object({
    token_id: { ...nullable(hash), description: 'Null until the token is seen.' },
    payment_hash: hash,
    state,
    service: nullable(words),
    capability: nullable(words),
    amount_msat: amount,
    bought_at: time,
    valid_until: nullable(time),
    last_seen_at: nullable(time),
    uses: count,
  })
}

function transactionSchema(): Schema {
  return object({
    payment_hash: hash,
    token_id: nullable(hash),
    amount_msat: amount,
    settled_at: time,
    reported: {
      type: 'boolean',
      description: 'Whether the wallet reported it. If not, the token itself proves the payment.',
    },
    service: nullable(words),
    capability: nullable(words),
    state,
    uses: count,
    valid_until: nullable(time),
    last_seen_at: nullable(time),
  })
}

function serviceSchema(): Schema {
  return object({
    name: serviceName,
    origin: {
      type: 'string',
      enum: ['file', 'api'],
      description: '`file`: changed in the configuration file. `api`: changed here.',
    },
    document: {
      type: 'object',
      description:
        'As ServiceDocument. Without the scope `services`, secrets that stand in it are shown as `(hidden)`.',
    },
  })
}

function revocationMembers(): Readonly<Record<string, Schema>> {
  return { id: words, reason: words, revoked_at: time }
}

function totalMembers(): Readonly<Record<string, Schema>> {
  return { payments: count, revenue_msat: amount, uses: count }
}

function dayOf(): Schema {
  return { type: 'string', description: 'UTC.', pattern: '^\\d{4}-\\d\\d-\\d\\d$' }
}

function page(item: Schema): Schema {
  return object({
    items: list(item),
    next: {
      ...nullable(words),
      description:
        'For `after`. Null on the last page, and only there: a page may be shorter than `limit`, even empty, although more follow.',
    },
  })
}

function object(properties: Readonly<Record<string, Schema>>): Schema {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  }
}

function list(items: Schema): Schema {
  return { type: 'array', items }
}

function nullable(schema: Schema): Schema {
  return { ...schema, type: [schema['type'], 'null'] }
}

function shape(schema: Schema, example: unknown): Shape {
  return { schema, example }
}
