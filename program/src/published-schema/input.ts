import type { Command } from '../cli/command.ts'

type JsonSchema = Readonly<Record<string, unknown>>

/** In `--params` these go by the usual word, and headers are an object. */
const otherNames: Readonly<Record<string, string>> = { request: 'method', header: 'headers' }

const text: JsonSchema = { type: ['string', 'integer'], minimum: 0 }

/**
 * What `--params` of a command takes, made from its flags: `max-cost` is `max_cost`, a flag without a
 * value is true or false, and headers are an object.
 *
 * @returns `null` for a command without `--params`.
 */
export function inputSchema({ flags }: Command): JsonSchema | null {
  if (flags['params'] === undefined) return null
  const properties: Record<string, JsonSchema> = {
    url: { ...text, description: 'What to ask for. May stand on the command line instead.' },
  }
  for (const [flag, { value, about }] of Object.entries(flags)) {
    if (flag === 'params') continue
    const name = otherNames[flag] ?? flag.replaceAll('-', '_')
    properties[name] = { ...typeOf(flag, value), description: about }
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties,
    additionalProperties: false,
  }
}

function typeOf(flag: string, value: string | undefined): JsonSchema {
  if (value === undefined) return { type: 'boolean' }
  if (flag !== 'header') return text
  return {
    type: 'object',
    additionalProperties: { anyOf: [text, { type: 'array', items: text }] },
  }
}
