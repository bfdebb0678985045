import { readHost } from '../hosts.ts'
import { Expectation } from '../units.ts'
import { isCanonicalPath } from '../urls.ts'
import type { Alternative, Part } from './expression.ts'
import { readExpression } from './expression.ts'

/** What a regular expression becomes: never more than it matched. */
export type Translation = {
  /** Hosts, or paths of routes. */
  readonly values: readonly string[]
  /** Whether it matched more than `values` do. */
  readonly isNarrower: boolean
}

/**
 * Hosts of a `hostregexp`, which is matched against the Host header with its port, at any place.
 *
 * @returns `undefined` when they cannot be told.
 * @spec gateway.md R-CONF-22
 */
export function translateHosts(source: string): Translation | undefined {
  return translate(source, hostOf)
}

/**
 * Paths of a `pathregexp`, which is matched against the decoded path, at any place.
 *
 * @returns `undefined` when they cannot be told.
 * @spec gateway.md R-CONF-22
 */
export function translatePaths(source: string): Translation | undefined {
  const translation = translate(source, pathsOf)
  if (translation === undefined) return undefined
  // Of a whole and its parts the whole is enough. A last slash does not make another route.
  const { values } = translation
  const slashless = values.filter(
    (value) => !values.includes(value.slice(0, -1)) || !/.\/$/.test(value),
  )
  const unique = slashless.filter(
    (value) => !slashless.some((other) => other !== value && covers(other, value)),
  )
  return {
    values: unique,
    isNarrower: translation.isNarrower || slashless.length < values.length,
  }
}

/** Whether every path of one route pattern is one of another's. */
export function covers(wide: string, narrow: string): boolean {
  if (wide === narrow) return true
  if (!wide.endsWith('/*')) return false
  const prefix = wide.slice(0, -1)
  return narrow.startsWith(prefix) && !prefix.includes('/:')
}

/** The mount under which all of these paths are: their common fixed beginning. */
export function mountOf(paths: readonly string[]): string {
  const [first = '', ...more] = paths.map((path) => fixedPart(path))
  let common = first.split('/')
  for (const path of more) {
    const segments = path.split('/')
    const difference = common.findIndex((segment, index) => segment !== segments[index])
    common = difference === -1 ? common : common.slice(0, difference)
  }
  const mount = common.join('/').replace(/\/$/, '')
  return mount === '' ? '/' : mount
}

function fixedPart(path: string): string {
  const end = path.search(/\/(?::|\*)/)
  return end === -1 ? path : path.slice(0, end)
}

function translate(
  source: string,
  one: (alternative: Alternative) => Translation | undefined,
): Translation | undefined {
  const alternatives = readExpression(source)
  if (alternatives === undefined) return undefined
  const all = alternatives.map(one)
  const known = all.filter((translation) => translation !== undefined)
  if (known.length < all.length) return undefined
  return {
    values: [...new Set(known.flatMap(({ values }) => values))],
    isNarrower: known.some(({ isNarrower }) => isNarrower),
  }
}

/** Whether it matches everything there is; `^$` matches nothing that is asked for. */
function isEverything({ isFromStart, isToEnd, parts }: Alternative): boolean {
  if (parts.length === 0) return !(isFromStart && isToEnd)
  const characters = parts.filter(({ kind }) => kind === 'some').length
  return characters <= 1 && parts.every(({ kind }) => kind === 'any' || kind === 'some')
}

function hostOf(alternative: Alternative): Translation | undefined {
  if (isEverything(alternative)) return { values: ['*'], isNarrower: false }
  const { isFromStart, isToEnd, parts } = alternative
  const { text, isNarrower } = withoutPort(parts)
  const host = hostFrom(text)
  if (host === undefined) return undefined
  const isExact = isFromStart && isToEnd && !isNarrower && !isLoose(text)
  return { values: [host], isNarrower: !isExact }
}

type Text = { readonly text: readonly Part[]; readonly isNarrower: boolean }

/** Hosts are compared without their port here. */
function withoutPort(parts: readonly Part[]): Text {
  const last = parts.at(-1)
  const before = parts.at(-2)
  if (last?.kind === 'digits' && before?.kind === 'text' && before.text.endsWith(':')) {
    const text = before.text.slice(0, -1)
    const rest: readonly Part[] = text === '' ? [] : [{ kind: 'text', text }]
    return { text: [...parts.slice(0, -2), ...rest], isNarrower: false }
  }
  if (last?.kind === 'text') {
    const text = last.text.replace(/:\d+$/, '')
    return { text: [...parts.slice(0, -1), { kind: 'text', text }], isNarrower: false }
  }
  if (last?.kind === 'any') return { text: parts.slice(0, -1), isNarrower: true }
  return { text: parts, isNarrower: false }
}

function hostFrom(parts: readonly Part[]): string | undefined {
  const [first, ...rest] = parts
  if (first === undefined) return undefined
  const isWild = ['any', 'some', 'label'].includes(first.kind)
  const fixed = fixedText(isWild ? rest : parts)
  if (fixed === undefined) return undefined
  // Only `.*` may stand for nothing.
  if (isWild && first.kind !== 'any' && !fixed.startsWith('.')) return undefined
  const host = isWild && fixed.startsWith('.') ? `*${fixed}` : fixed
  try {
    return host === '*' ? undefined : readHost(host)
  } catch (error) {
    if (error instanceof Expectation) return undefined
    throw error
  }
}

/** Whether it holds a dot that matches any character, or a beginning of any length. */
function isLoose(parts: readonly Part[]): boolean {
  return parts.some(({ kind }) => kind === 'dot' || kind === 'any' || kind === 'some')
}

function fixedText(parts: readonly Part[]): string | undefined {
  let text = ''
  for (const part of parts) {
    if (part.kind === 'text') text += part.text
    else if (part.kind === 'dot') text += '.'
    else return undefined
  }
  return text
}

function pathsOf(alternative: Alternative): Translation | undefined {
  if (isEverything(alternative)) return { values: ['/*'], isNarrower: false }
  const { isFromStart, isToEnd, parts } = alternative
  const last = parts.at(-1)
  if (last === undefined) return undefined
  const isOpen = !isToEnd || last.kind === 'any'
  const body = last.kind === 'any' || last.kind === 'some' ? parts.slice(0, -1) : parts
  const path = patternFrom(body)
  if (path === undefined) return undefined
  const isLooseText = body.some(({ kind }) => kind === 'dot') || !isFromStart
  if (last.kind === 'some') {
    if (!path.endsWith('/')) return undefined
    return ifRoutes([`${path}:rest`, `${path}:rest/*`], isLooseText)
  }
  if (!isOpen) return ifRoutes([path], isLooseText)
  if (path.endsWith('/')) return ifRoutes([`${path}*`], isLooseText)
  // `^/v1.*` matched /v1000 too.
  return ifRoutes([path, `${path}/*`], true)
}

/** The path of a route, with `:p1` for each placeholder of one segment. */
function patternFrom(parts: readonly Part[]): string | undefined {
  let path = ''
  let names = 0
  for (const [index, part] of parts.entries()) {
    if (part.kind === 'text') path += part.text
    else if (part.kind === 'dot') path += '.'
    else if (part.kind !== 'segment') return undefined
    else {
      const next = parts[index + 1]
      const isWhole = next === undefined || (next.kind === 'text' && next.text.startsWith('/'))
      if (!path.endsWith('/') || !isWhole) return undefined
      names += 1
      path += `:p${names}`
    }
  }
  return path
}

function ifRoutes(values: readonly string[], isNarrower: boolean): Translation | undefined {
  const areRoutes = values.every((value) => {
    const fixed = value.replace(/:p\d+|:rest/g, 'x').replace(/\*$/, 'x')
    return isCanonicalPath(fixed) && !fixed.includes('*') && !fixed.includes('/:')
  })
  return areRoutes ? { values, isNarrower } : undefined
}
