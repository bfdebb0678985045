import type { Path, Source, Spot } from './settings-source.ts'

/**
 * One line of the simplest YAML there is: a name, a colon, and a word, a number, a truth or a piece of
 * text that needs no quotes. What YAML gives a meaning of its own (quotes, brackets, signs at the
 * front, a colon or a number sign beside a space) is not among it.
 */
const line = /^([a-z_]+): +([A-Za-z0-9~/][A-Za-z0-9 ~/._:?=&%+{}-]*?) *(?: #.*)?$/
const number = /^(?:0|[1-9]\d{0,14})$/
/** Words and numbers that YAML may read as something else than text. */
const special = /^(?:null|~|true|false|yes|no|on|off|[-+.\d][\d._xXoOa-fA-F]*(?:[eE][-+]?\d+)?)$/i
const truths: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
])

/**
 * Reads a file that is nothing but such lines and comments, without the parser of YAML: to load that
 * takes a tenth of the time that a call may take.
 *
 * @returns `undefined` for any other file. What it does read, the parser reads just so.
 * @spec agent.md R-POL-3
 */
export function readPlainYaml(text: string): Source | undefined {
  const members = new Map<string, unknown>()
  const spots = new Map<string, Spot>()
  for (const [i, row] of text.split('\n').entries()) {
    if (/^ *(?:#[^\r\t]*)?$/.test(row)) continue
    const [, name, value] = line.exec(row) ?? []
    if (name === undefined || value === undefined || members.has(name)) return undefined
    if (/: | #|:$/.test(value)) return undefined
    const read = scalarOf(value)
    if (read === undefined) return undefined
    members.set(name, read)
    spots.set(`true ${name}`, { line: i + 1, column: 1 })
    spots.set(`false ${name}`, { line: i + 1, column: row.indexOf(value, name.length + 1) + 1 })
  }
  if (members.size === 0) return undefined
  const start = [...spots.values()][0]
  return {
    value: Object.fromEntries(members),
    spotOf: (path: Path, isAboutName: boolean) => {
      if (path.length === 0) return start
      return spots.get(`${isAboutName} ${path[0]}`)
    },
  }
}

function scalarOf(value: string): unknown {
  if (number.test(value)) return Number(value)
  const truth = truths.get(value)
  if (truth !== undefined) return truth
  return special.test(value) ? undefined : value
}
