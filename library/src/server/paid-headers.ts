import { allowOrigin, exposedHeaders } from './cross-origin.ts'

/** Reads a header that the handler has set. */
export type CurrentHeader = (name: string) => string | undefined
export type HeaderList = readonly (readonly [string, string])[]

const expose = ['Access-Control-Expose-Headers', exposedHeaders.join(', ')] as const
const nothing: HeaderList = []

/** By what a paid response varies: by who asks, and for browsers by which page does. */
const varied = { same: ['Authorization'], cross: ['Authorization', 'Origin'] } as const
const untouched = {
  same: [
    ['Cache-Control', 'private'],
    ['Vary', varied.same.join(', ')],
  ],
  cross: [
    ['Cache-Control', 'private'],
    ['Vary', varied.cross.join(', ')],
  ],
} as const

/**
 * Headers that a paid response still needs: no shared cache keeps it, and a page may read it. What
 * the handler set is kept where it is stricter. What is right already is not listed, so that asking
 * again after setting them gives nothing.
 *
 * @param cors - Whether pages may read responses at all: then the response varies by `Origin`.
 * @param isCrossOrigin - Whether this request came from one.
 * @spec server.md R-SRV-11, R-SRV-46, R-SRV-47
 */
export function paidHeaders(
  current: CurrentHeader,
  cors: boolean,
  isCrossOrigin: boolean,
): HeaderList {
  const reach = cors ? 'cross' : 'same'
  const cache = current('Cache-Control')
  const vary = current('Vary')
  const cross = isCrossOrigin ? corsHeaders(current) : nothing
  if (cache === undefined && vary === undefined) {
    return cross === nothing ? untouched[reach] : [...untouched[reach], ...cross]
  }
  const [[, wantedCache], [, wantedVary]] = untouched[reach]
  if (cache === wantedCache && vary === wantedVary) return cross
  return [
    ...changed('Cache-Control', cache, keepPrivate(cache)),
    ...changed('Vary', vary, mergeList(vary, varied[reach])),
    ...cross,
  ]
}

/** Headers of a response that was free: the handler's own, and what a page may read. */
export function freeHeaders(current: CurrentHeader, isCrossOrigin: boolean): HeaderList {
  return isCrossOrigin ? corsHeaders(current) : nothing
}

function corsHeaders(current: CurrentHeader): HeaderList {
  const origin = current('Access-Control-Allow-Origin')
  const shown = current('Access-Control-Expose-Headers')
  return [
    ...(origin === undefined ? [allowOrigin] : nothing),
    ...(shown === undefined
      ? [expose]
      : changed(expose[0], shown, mergeList(shown, exposedHeaders))),
  ]
}

function changed(name: string, current: string | undefined, wanted: string): HeaderList {
  return current === wanted ? nothing : [[name, wanted]]
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
