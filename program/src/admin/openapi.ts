import type { ProblemCode } from './problem.ts'
import { problems } from './problem.ts'
import type { AnswerForm, Parameter, Route } from './route.ts'
import type { ShapeName } from './shapes.ts'
import { shapes } from './shapes.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * Describes operations as an OpenAPI 3.1 document: the table that serves them is the one source.
 *
 * @spec gateway.md R-ADM-21
 */
export function describe(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    paths[route.path] ??= {}
    paths[route.path]![route.method.toLowerCase()] = operation(route)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Satway admin API',
      version,
      description:
        'Steers one gateway. It listens on the loopback only. Amounts are millisatoshis in decimal digits, as text; times are RFC 3339 in UTC.',
    },
    servers: [{ url: '/' }],
    security: [{ macaroon: [] }],
    paths,
    components: {
      schemas: Object.fromEntries(
        Object.entries(shapes).map(([name, { schema }]) => [name, schema]),
      ),
      securitySchemes: {
        macaroon: {
          type: 'http',
          scheme: 'Macaroon',
          description:
            'A macaroon in base64. Caveats: `scope=read,services,revoke` (some of them), `expires=<unix seconds>`, `ip=<CIDR>`. Any other refuses.',
        },
      },
    },
  }
}

function operation(route: Route): Json {
  return {
    operationId: operationId(route),
    summary: route.summary,
    ...(route.scope === undefined
      ? { security: [] }
      : { description: `Needs the scope \`${route.scope}\`.` }),
    ...(route.parameters !== undefined && { parameters: route.parameters.map(parameter) }),
    ...(route.body !== undefined && {
      requestBody: { required: true, content: jsonContent(route.body) },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.answers).map(([status, form]) => [status, answer(form)]),
      ),
      ...refusals(route),
    },
  }
}

/** `GET /v1/services/{name}` is `getServicesName`. */
function operationId({ method, path }: Route): string {
  const words = path.match(/[a-z]+/g)?.filter((word) => word !== 'v') ?? []
  const capitals = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
  return method.toLowerCase() + capitals.join('')
}

function parameter({ name, in: place, about, schema }: Parameter): Json {
  return { name, in: place, required: place === 'path', description: about, schema }
}

function answer({ about, shape, text }: AnswerForm): Json {
  if (shape === undefined && text === undefined) return { description: about }
  return {
    description: about,
    content: {
      ...(shape !== undefined && jsonContent(shape)),
      ...(text !== undefined && {
        [text.type]: { schema: { type: 'string' }, example: text.example },
      }),
    },
  }
}

/** All codes that one operation may refuse with, by status. */
function refusals(route: Route): Json {
  const codes: ProblemCode[] = ['ADMIN_HOST', 'ADMIN_ORIGIN', 'ADMIN_MALFORMED', 'ADMIN_FAULT']
  if (route.scope !== undefined) {
    codes.push('ADMIN_UNAUTHENTICATED', 'ADMIN_CAVEAT', 'ADMIN_SCOPE', 'ADMIN_UNAVAILABLE')
  }
  if (route.body !== undefined) codes.push('ADMIN_MEDIA_TYPE', 'ADMIN_TOO_LARGE')
  codes.push(...(route.problems ?? []))
  const byStatus = Map.groupBy(codes, (code) => problems[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, some]) => [
      status,
      {
        description: some.map((code) => `\`${code}\``).join(', '),
        content: {
          'application/problem+json': {
            schema: reference('Problem'),
            example: problemOf(some[0]!),
          },
        },
      },
    ]),
  )
}

function problemOf(code: ProblemCode): Json {
  const { status, title, hint } = problems[code]
  const type = `urn:satway:problem:${code.toLowerCase().replaceAll('_', '-')}`
  return { type, title, status, detail: 'What was wrong with this request.', code, hint }
}

function jsonContent(shape: ShapeName): Json {
  return {
    'application/json': { schema: reference(shape), example: shapes[shape].example },
  }
}

function reference(shape: ShapeName): Json {
  return { $ref: `#/components/schemas/${shape}` }
}
