import { z } from 'zod'
import type { Finding, Path } from './mistakes.ts'
import { unknownName } from './mistakes.ts'
import { unresolved } from './references.ts'
import { Expectation, expected } from './units.ts'

/**
 * One value that a reader understands.
 *
 * @param read - Throws {@link Expectation} for what it does not.
 */
export function leaf<T>(read: (value: unknown) => T): z.ZodType<T> {
  return z.unknown().transform((value, context): T => {
    try {
      return read(value)
    } catch (error) {
      if (!(error instanceof Expectation)) throw error
      context.addIssue({ code: 'custom', message: error.message })
      return z.NEVER
    }
  })
}

/** A mapping of exactly these members. A name that is not among them is a mistake of its own. */
export function members<Shape extends z.ZodRawShape>(
  shape: Shape,
): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape)
  return z
    .object(shape, { error: () => `expected a mapping of ${known.join(', ')}` })
    .catchall(z.custom<never>(() => false, { params: { known } })) as unknown as z.ZodObject<
    Shape,
    z.core.$strict
  >
}

/** A list of one kind of thing. */
export function listOf<T>(item: z.ZodType<T>, what: string, least = 0): z.ZodType<T[]> {
  const error = (): string => `expected a list of ${least > 0 ? 'one or more ' : ''}${what}`
  return z.array(item, { error }).min(least, { error })
}

/** A mapping of any names. */
export function entriesOf<T>(
  readEntry: (name: string, value: unknown) => T,
  what: string,
): z.ZodType<readonly T[]> {
  return z.unknown().transform((value, context): readonly T[] => {
    if (!isMapping(value)) {
      context.addIssue({ code: 'custom', message: `expected a mapping of ${what}` })
      return z.NEVER
    }
    const entries: T[] = []
    for (const [name, member] of Object.entries(value)) {
      try {
        entries.push(readEntry(name, member))
      } catch (error) {
        if (!(error instanceof Expectation)) throw error
        context.addIssue({ code: 'custom', message: error.message, path: [name] })
      }
    }
    return entries
  })
}

/** The schema that a value is to be read by, chosen by looking at it. */
export function choose<T>(pick: (value: unknown) => z.ZodType<T>): z.ZodType<T> {
  return z.unknown().transform((value, context): T => {
    const result = pick(value).safeParse(value)
    if (result.success) return result.data
    for (const issue of result.error.issues) {
      const params = issue.code === 'custom' ? issue.params : undefined
      context.addIssue({
        code: 'custom',
        path: issue.path,
        message: issue.message,
        ...(params === undefined ? {} : { params }),
      })
    }
    return z.NEVER
  })
}

/** A short form of a mapping: `expand` gives the long one, or the value itself. */
export function short<T>(expand: (value: unknown) => unknown, long: z.ZodType<T>): z.ZodType<T> {
  return z.preprocess(expand, long)
}

/** @param what - As in `expected …`. */
export function matching(pattern: RegExp, what: string): z.ZodType<string> {
  return leaf((value) => {
    if (typeof value !== 'string' || !pattern.test(value)) expected(what)
    return value
  })
}

/** true or false. `yes`, `on` and the like are text in YAML 1.2. */
export function flag(): z.ZodType<boolean> {
  return leaf((value) => {
    if (typeof value !== 'boolean') expected('true or false')
    return value
  })
}

export function oneOf<const T extends string | number>(...values: readonly T[]): z.ZodType<T> {
  return leaf((value) => {
    const found = values.find((candidate) => candidate === value)
    if (found === undefined) expected(`${values.join(' or ')}`)
    return found
  })
}

export function whole(least: number, most: number): z.ZodType<number> {
  return leaf((value) => {
    const isWhole = typeof value === 'number' && Number.isInteger(value)
    if (!isWhole || value < least || value > most) {
      expected(`a whole number from ${least} to ${most}`)
    }
    return value
  })
}

export function number(least: number, most: number): z.ZodType<number> {
  return leaf((value) => {
    if (typeof value !== 'number' || !(value >= least && value <= most)) {
      expected(`a number from ${least} to ${most}`)
    }
    return value
  })
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Reads one value by its schema.
 *
 * @returns `undefined` when something is wrong with it; the findings say what.
 */
export function readPart<T>(
  schema: z.ZodType<T>,
  value: unknown,
  path: Path,
  findings: Finding[],
): T | undefined {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  for (const issue of result.error.issues) {
    const inside = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
    if (isUnresolved(value, inside)) continue
    findings.push({ path: [...path, ...inside], ...explain(issue, inside) })
  }
  return undefined
}

/**
 * Reads each member of a mapping for itself, so that what is right can be checked further although
 * something else is wrong.
 */
export function readMembers<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  value: unknown,
  path: Path,
  findings: Finding[],
): Partial<z.output<z.ZodObject<Shape>>> | undefined {
  const shape: Readonly<Record<string, z.core.SomeType>> = schema.shape
  const known = Object.keys(shape)
  if (value === unresolved) return undefined
  if (!isMapping(value)) {
    findings.push({ path, message: `expected a mapping of ${known.join(', ')}` })
    return undefined
  }
  for (const name of Object.keys(value).filter((given) => !known.includes(given))) {
    findings.push({
      path: [...path, name],
      message: unknownName(name, known),
      isAboutName: true,
    })
  }
  const read: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(shape)) {
    const given = Object.hasOwn(value, name) ? value[name] : undefined
    const part = readPart(member as z.ZodType, given, [...path, name], findings)
    if (part !== undefined) read[name] = part
  }
  return read as Partial<z.output<z.ZodObject<Shape>>>
}

function explain(issue: z.core.$ZodIssue, path: Path): Omit<Finding, 'path'> {
  const known: unknown = issue.code === 'custom' ? issue.params?.['known'] : undefined
  if (!Array.isArray(known)) return { message: issue.message }
  return { message: unknownName(String(path.at(-1)), known.map(String)), isAboutName: true }
}

function isUnresolved(value: unknown, path: Path): boolean {
  let found = value
  for (const part of path) {
    if (typeof found !== 'object' || found === null) break
    found = Object.hasOwn(found, part) ? Reflect.get(found, part) : undefined
  }
  return found === unresolved
}
