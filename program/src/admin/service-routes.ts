import { ControlRefusal } from './control.ts'
import { AdminProblem, quoted } from './problem.ts'
import type { Call, Parameter, Route } from './route.ts'
import { json, text } from './route.ts'
import { serviceName } from './shapes.ts'
import { serviceView } from './views.ts'

const nameParameter: Parameter = {
  name: 'name',
  in: 'path',
  about: 'The name of the service.',
  schema: serviceName,
}

/** @spec gateway.md R-ADM-13, R-ADM-14 */
export const serviceRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/services',
    scope: 'read',
    summary: 'List the services, of the file and of this API.',
    answers: { 200: { about: 'All of them.', shape: 'ServiceList' } },
    handle: ({ control, scopes }) =>
      json(200, { items: control.services().map((view) => serviceView(view, scopes)) }),
  },
  {
    method: 'POST',
    path: '/v1/services',
    scope: 'services',
    action: 'service.create',
    summary: 'Make a service. It is kept across restarts.',
    body: 'ServiceDocument',
    answers: { 201: { about: 'It serves now.', shape: 'Service' } },
    problems: ['ADMIN_CONFLICT', 'ADMIN_INVALID'],
    handle: async (call) => {
      const document = documentOf(call.body)
      const name = document['name']
      if (typeof name !== 'string') throw invalid('name: expected the name of the service')
      call.concerns(name)
      requireName(name)
      call.found(name)
      const made = await asked(call.control.putService(name, document, 'create'))
      const answer = json(201, serviceView(made, call.scopes))
      answer.headers.set('location', `/v1/services/${name}`)
      return answer
    },
  },
  {
    method: 'GET',
    path: '/v1/services/{name}',
    scope: 'read',
    summary: 'Show one service.',
    parameters: [nameParameter],
    answers: { 200: { about: 'The service.', shape: 'Service' } },
    problems: ['ADMIN_NOT_FOUND'],
    handle: (call) => {
      const name = call.path('name')
      const view = call.control.services().find((service) => service.name === name)
      if (view === undefined) throw notFound(name)
      return json(200, serviceView(view, call.scopes))
    },
  },
  {
    method: 'PUT',
    path: '/v1/services/{name}',
    scope: 'services',
    action: 'service.replace',
    summary: 'Replace the whole definition of a service that was made here.',
    parameters: [nameParameter],
    body: 'ServiceDocument',
    answers: { 200: { about: 'The new definition serves now.', shape: 'Service' } },
    problems: ['ADMIN_NOT_FOUND', 'ADMIN_CONFLICT', 'ADMIN_INVALID'],
    handle: async (call) => {
      const name = nameOf(call)
      const document = documentOf(call.body)
      if (document['name'] !== undefined && document['name'] !== name) {
        throw invalid(`name: expected "${name}", as in the path, or nothing`)
      }
      const whole = { ...document, name }
      const view = await asked(call.control.putService(name, whole, 'replace'))
      return json(200, serviceView(view, call.scopes))
    },
  },
  {
    method: 'DELETE',
    path: '/v1/services/{name}',
    scope: 'services',
    action: 'service.delete',
    summary: 'Delete a service that was made here. Its tokens end with it.',
    parameters: [nameParameter],
    answers: { 204: { about: 'It is gone; open requests finish.' } },
    problems: ['ADMIN_NOT_FOUND', 'ADMIN_CONFLICT'],
    handle: async (call) => {
      await asked(call.control.deleteService(nameOf(call)))
      return text(204, null, undefined)
    },
  },
  {
    method: 'POST',
    path: '/v1/reload',
    scope: 'services',
    action: 'reload',
    summary: 'Read the configuration file again. Open requests are not disturbed.',
    answers: { 200: { about: 'The new configuration serves now.', shape: 'Reloaded' } },
    problems: ['ADMIN_CONFLICT', 'ADMIN_INVALID'],
    handle: async ({ control }) => {
      const { needsRestart } = await asked(control.reload())
      return json(200, { services: control.services().length, needs_restart: needsRestart })
    },
  },
]

function nameOf(call: Call): string {
  const name = call.path('name')
  call.concerns(name)
  // What cannot be a name is not there.
  if (!isName(name)) throw notFound(name)
  call.found(name)
  return name
}

function isName(name: string): boolean {
  return new RegExp(String(serviceName['pattern'])).test(name)
}

function requireName(name: string): void {
  if (!isName(name)) {
    throw invalid('name: expected a letter, then up to 31 of a-z, 0-9 and -')
  }
}

function documentOf(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
    return body as Readonly<Record<string, unknown>>
  }
  throw invalid('expected an object: one member of `services` of the configuration file')
}

async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof ControlRefusal)) throw error
    const { message, mistakes } = error
    if (error.kind === 'not-found') throw new AdminProblem('ADMIN_NOT_FOUND', message)
    const code = error.kind === 'conflict' ? 'ADMIN_CONFLICT' : 'ADMIN_INVALID'
    throw new AdminProblem(code, message, { mistakes })
  }
}

function notFound(name: string): AdminProblem {
  return new AdminProblem('ADMIN_NOT_FOUND', `There is no service "${quoted(name)}".`)
}

function invalid(mistake: string): AdminProblem {
  return new AdminProblem('ADMIN_INVALID', 'The document is no service.', { mistakes: [mistake] })
}
