import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { Hono } from 'hono'
import type { AdminChange } from '../gateway/operations/index.ts'
import { cutPeerText } from '../gateway/operations/index.ts'
import { readJsonBody } from './body.ts'
import type { Control, HealthReport } from './control.ts'
import { ledgerRoutes } from './ledger-routes.ts'
import { openRoutes } from './open-routes.ts'
import { describe } from './openapi.ts'
import type { Permit } from './permit.ts'
import { admit, requireScope } from './permit.ts'
import { AdminProblem, writeProblem } from './problem.ts'
import { readQuery } from './query.ts'
import type { Call, Route } from './route.ts'
import { json } from './route.ts'
import { serviceRoutes } from './service-routes.ts'
import { tokenRoutes } from './token-routes.ts'

export type AppOptions = {
  readonly control: Control
  readonly rootKey: Uint8Array
  /** Seconds since 1970. */
  readonly now: () => number
  readonly log: (change: AdminChange) => void
  readonly onFault: (words: string) => void
}

type Bindings = { readonly Bindings: HttpBindings }
type App = Hono<Bindings>

/** How long one answer about health serves everybody who asks. */
const healthMs = 1000

/** Serves the operations of the API, and the document that describes them. */
export function createApp(options: AppOptions): App {
  const { control } = options
  const health = rarely(healthMs, () => control.health())
  const inTurn = createTurns()
  const table: readonly Route[] = [...openRoutes, ...serviceRoutes, ...tokenRoutes, ...ledgerRoutes]
  const document = describe([...table, described], control.version)
  const routes = [...table, { ...described, handle: () => json(200, document) }]

  const app: App = new Hono<Bindings>()
  for (const route of routes) {
    app.on(route.method, route.path.replaceAll(/\{(\w+)\}/g, ':$1'), (context) =>
      serve(route, context, { ...options, health, inTurn }),
    )
  }
  for (const [path, some] of Map.groupBy(routes, (route) => route.path)) {
    const allow = some.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    app.all(path.replaceAll(/\{(\w+)\}/g, ':$1'), () => {
      throw new AdminProblem('ADMIN_METHOD', 'The method is not served here.', {
        headers: { allow: allow.join(', ') },
      })
    })
  }
  app.notFound(() => refused(new AdminProblem('ADMIN_NOT_FOUND', 'There is no such path.')))
  app.onError((error) => refused(toProblem(error, options.onFault)))
  return app
}

/** The document describes itself, too. */
const described: Route = {
  method: 'GET',
  path: '/openapi.json',
  scope: undefined,
  summary: 'This document.',
  answers: {
    200: {
      about: 'OpenAPI 3.1.',
      text: { type: 'application/json', example: '{"openapi":"3.1.0"}' },
    },
  },
  handle: () => json(200, {}),
}

type Shared = AppOptions & {
  health(): Promise<HealthReport>
  inTurn<T>(act: () => Promise<T>): Promise<T>
}

async function serve(route: Route, context: Context<Bindings>, shared: Shared): Promise<Response> {
  const nowSeconds = shared.now()
  if (route.scope === undefined) {
    return await carryOut(route, context, shared, {
      nowSeconds,
      scopes: [],
      concerns: () => {},
      found: () => {},
    })
  }
  // A stranger is not told what else is wrong with his request.
  const permit = permitFor(context, shared, nowSeconds)
  let target: string | undefined
  const concerns = (text: string): void => {
    target = cutPeerText(text)
  }
  const found = (id: string): void => {
    target = id
  }
  const note = (result: string): void => {
    const { action } = route
    if (action === undefined) return
    shared.log({ action, target, result, macaroon: permit.id, copy: permit.copy })
  }
  try {
    requireScope(permit, route.scope)
    const { scopes } = permit
    const response = await carryOut(route, context, shared, {
      nowSeconds,
      scopes,
      concerns,
      found,
    })
    note('done')
    return response
  } catch (error) {
    note(error instanceof AdminProblem ? error.code : 'ADMIN_FAULT')
    throw error
  }
}

async function carryOut(
  route: Route,
  context: Context<Bindings>,
  shared: Shared,
  asked: Pick<Call, 'nowSeconds' | 'scopes' | 'concerns' | 'found'>,
): Promise<Response> {
  const known = route.parameters?.filter((one) => one.in === 'query') ?? []
  const call: Call = {
    ...asked,
    control: shared.control,
    path: (name) => context.req.param(name) ?? '',
    query: readQuery(
      new URL(context.req.url).searchParams,
      known.map(({ name }) => name),
    ),
    accept: context.req.header('accept') ?? '',
    body: route.body === undefined ? undefined : await readJsonBody(context.req.raw),
    health: shared.health,
    cut: (error) => {
      shared.onFault(wordsOf(error))
      context.env.outgoing.destroy()
    },
  }
  if (route.action === undefined) return await route.handle(call)
  // The body is here by now: whoever sends slowly makes nobody else wait.
  return await shared.inTurn(async () => await route.handle(call))
}

function permitFor(context: Context<Bindings>, { rootKey }: Shared, nowSeconds: number): Permit {
  const { incoming } = context.env
  const lines = incoming.headersDistinct['authorization'] ?? []
  return admit(lines.length === 1 ? lines[0] : undefined, rootKey, {
    address: incoming.socket.remoteAddress ?? '',
    nowSeconds,
  })
}

function refused(problem: AdminProblem): Response {
  const { status, headers, body } = writeProblem(problem)
  return new Response(body, { status, headers })
}

function toProblem(error: unknown, onFault: AppOptions['onFault']): AdminProblem {
  if (error instanceof AdminProblem) return error
  onFault(wordsOf(error))
  return new AdminProblem('ADMIN_FAULT', 'The request could not be carried out.')
}

function wordsOf(error: unknown): string {
  return cutPeerText(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
}

/** Changes one after the other: two that name the same service meet in a definite order. */
function createTurns(): <T>(act: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (act) => {
    const mine = last.then(act, act)
    last = mine
    return mine
  }
}

/** Asks once for all who come within `ms` of the answer before, or while it is on its way. */
function rarely<T>(ms: number, question: () => Promise<T>): () => Promise<T> {
  let pending: Promise<T> | undefined
  let answered: { readonly value: T; readonly atMs: number } | undefined
  return async () => {
    if (answered !== undefined && performance.now() - answered.atMs < ms) return answered.value
    pending ??= question().finally(() => {
      pending = undefined
    })
    const value = await pending
    answered = { value, atMs: performance.now() }
    return value
  }
}
