import { expect } from 'vitest'
import { z } from 'zod'
import type { Answer } from './admin-world.ts'

type Json = Record<string, unknown>

/** Compiled schemas, by their JSON: the document is made anew for each listener, and never differs. */
const compiled = new Map<string, z.ZodType>()

/**
 * Holds an answer against an OpenAPI document: its status is described, and its body has the type
 * and the form that is described for it. Paths that are not in the document are let pass.
 */
export function checkAnswer(document: Json, method: string, path: string, answer: Answer): void {
  const operation = operationOf(document, method, path)
  if (operation === undefined) return
  const responses = operation['responses'] as Record<string, Json>
  const response = responses[String(answer.status)]
  expect(response, `${method} ${path}: status ${answer.status} is not described`).toBeDefined()
  const content = response?.['content'] as Record<string, Json> | undefined
  if (content === undefined) {
    expect(answer.text).toBe('')
    return
  }
  const type = String(answer.headers['content-type'])
  expect(Object.keys(content), `${method} ${path}: ${answer.status}`).toContain(type)
  if (type.endsWith('json')) {
    expectValid(document, content[type]?.['schema'] as Json, JSON.parse(answer.text))
  }
}

/** @throws unless the value has the form of the schema. */
export function expectValid(document: Json, schema: Json, value: unknown): void {
  const text = JSON.stringify(schema)
  const reader = compiled.get(text) ?? compile(document, schema)
  compiled.set(text, reader)
  const { error } = reader.safeParse(value)
  expect(error?.issues, text).toBeUndefined()
}

function compile(document: Json, schema: Json): z.ZodType {
  const components = document['components'] as { readonly schemas: Json }
  const text = JSON.stringify({ ...schema, $defs: components.schemas })
  return z.fromJSONSchema(JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/')))
}

function operationOf(document: Json, method: string, path: string): Json | undefined {
  const paths = document['paths'] as Record<string, Json>
  const plain = path.split('?')[0] ?? ''
  for (const [template, item] of Object.entries(paths)) {
    const pattern = new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`)
    const operation = item[method.toLowerCase()]
    if (pattern.test(plain) && operation !== undefined) return operation as Json
  }
  return undefined
}
