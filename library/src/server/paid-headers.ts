import { allowOrigin, exposedHeaders } from './cross-origin.ts'

/** Reads a header that the handler has set. */
export type CurrentHeader = (name: string) => string | undefined
export type HeaderList = readonly (readonly [string, string])[]

const exposed = ['Access-Control-Expose-Headers', exposedHeaders.join(', ')] as const
const onlyPrivate: HeaderList = [
  ['Cache-Control', 'private'],
  ['Vary', 'Authorization'],
]
const nothing: HeaderList = []

/**
 * Headers of a paid response: no shared cache keeps it, and a page may read it. What the handler set
 * is kept where it is stricter.
 *
 * @spec server.md R-SRV-46, R-SRV-47
 */
export function paidHeaders(current: CurrentHeader, cors: boolean): HeaderList {
  const cacheControl = current('Cache-Control')
  const vary = current('Vary')
  const cross = cors ? corsHeaders(current) : nothing
  if (cacheControl === undefined && vary === undefined) return [...onlyPrivate, ...cross]
  return [
    ['Cache-Control', keepPrivate(cacheControl)],
    ['Vary', mergeList(vary, ['Authorization'])],
    ...cross,
  ]
}

/** Headers of a response that was free: the handler's own, and what a page may read. */
export function freeHeaders(current: CurrentHeader, cors: boolean): HeaderList {
  return cors ? corsHeaders(current) : nothing
}

function corsHeaders(current: CurrentHeader): HeaderList {
  const origin = current('Access-Control-Allow-Origin')
  const expose = current('Access-Control-Expose-Headers')
  const merged =
    expose === undefined ? exposed : ([exposed[0], mergeList(expose, exposedHeaders)] as const)
  return origin === undefined ? [allowOrigin, merged] : [merged]
}

/** The handler's directives, without those that let a shared cache keep the response. */
function keepPrivate(value: string | undefined): string {
  if (value === undefined) return 'private'
  const directives = splitList(value)
  if (directives.some((directive) => /^(?:private|no-store)$/i.test(directive))) return value
  const kept = directives.filter(
    (directive) => !/^(?:public|private|s-maxage)\s*(?:=|$)/i.test(directive),
  )
  return ['private', ...kept].join(', ')
}

function mergeList(value: string | undefined, names: readonly string[]): string {
  if (value === undefined || value.trim() === '') return names.join(', ')
  const present = splitList(value).map((name) => name.toLowerCase())
  if (present.includes('*')) return value
  const missing = names.filter((name) => !present.includes(name.toLowerCase()))
  return [value, ...missing].join(', ')
}

/** The elements of a list, with commas inside quotes left alone. */
function splitList(value: string): readonly string[] {
  const elements = value.match(/(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g) ?? []
  return elements.map((element) => element.trim()).filter((element) => element !== '')
}
