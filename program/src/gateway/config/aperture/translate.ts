import type { ConfigMistake } from '../config.ts'
import { readWhole } from '../read.ts'
import type { Where } from '../references.ts'
import { isMapping } from '../schema.ts'
import { readYaml } from '../yaml-source.ts'
import type { Note } from './notes.ts'
import { keepOrder } from './order.ts'
import type { Imported } from './service.ts'
import { importService } from './service.ts'
import { importSettings } from './settings.ts'
import { comment, flowList, flowMapping, literal } from './yaml-text.ts'

export type Translation =
  | {
      /** A configuration of the gateway. */
      readonly yaml: string
      readonly notes: readonly Note[]
      /** What a check of it says: what is left to do. Lines are those of `yaml`. */
      readonly mistakes: readonly ConfigMistake[]
      readonly services: number
    }
  | { readonly mistakes: readonly ConfigMistake[] }

/**
 * Translates a configuration of Aperture.
 *
 * @param name - What the file is called, for a comment.
 * @param where - Where the translation will be.
 * @returns The translation and what became of each setting; mistakes only where it is no YAML.
 * @spec gateway.md R-CONF-21 to R-CONF-23
 */
export function translateAperture(text: string, name: string, where: Where): Translation {
  const source = readYaml(text)
  if ('mistakes' in source) return source
  const document = isMapping(source.value) ? source.value : {}
  const notes: Note[] = []
  const settings = importSettings(document, notes)
  const services = keepOrder(readServices(document['services'], notes), notes)
  const yaml = [
    comment(`Translated from ${name} by: satway config import`),
    '# Its report says what could not be carried over. Check it with: satway config check',
    '',
    ...settings,
    ...(services.length === 0 ? ['services: []'] : ['services:', ...services.flatMap(render)]),
    '',
  ].join('\n')
  const checked = readWhole(yaml, [], where)
  const mistakes = 'mistakes' in checked ? checked.mistakes : []
  notes.push(...notesOf(mistakes, services, notes))
  return { yaml, notes, mistakes, services: services.length }
}

function readServices(value: unknown, notes: Note[]): readonly Imported[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : []
  const names = new Set<string>()
  const services: Imported[] = []
  for (const [index, given] of list.entries()) {
    const service = importService(given, `services[${index}]`, names, notes)
    if (service === undefined) continue
    names.add(service.name)
    services.push(service)
  }
  if (services.length === 0) {
    notes.push({ kind: 'fill-in', path: 'services', message: 'there are none: nothing is sold' })
  }
  return services
}

/**
 * What the check says of places that nobody was told to look at: two services for one place, files
 * that are not there.
 */
function notesOf(
  mistakes: readonly ConfigMistake[],
  services: readonly Imported[],
  notes: readonly Note[],
): readonly Note[] {
  return mistakes.flatMap(({ path, message }): readonly Note[] => {
    if (path === 'keys') return [{ kind: 'fill-in', path, message: makeKeys }]
    const [, index = '', member = ''] = /^services\[(\d+)\]\.?(.*)$/s.exec(path) ?? []
    const service = services[Number(index)]
    if (index === '' || service === undefined) return []
    const isTold = notes.some((note) => {
      return note.kind === 'fill-in' && note.path.startsWith(`${service.path}.`)
    })
    return isTold ? [] : [{ kind: 'fill-in', path: service.path, message: `${member}: ${message}` }]
  })
}

const makeKeys =
  'the keys of your tokens are not there yet: satway keys rotate --create --file satway.keys'

function render(service: Imported): readonly string[] {
  const { name, hosts, mount, upstream, defaults, routes } = service
  return [
    `  - name: ${literal(name)} # ${service.path}`,
    ...(hosts.length === 1 && hosts[0] === '*' ? [] : [`    hosts: ${flowList(hosts)}`]),
    ...(mount === '/' ? [] : [`    mount: ${literal(mount)}`]),
    '    upstream:',
    ...upstream.map((line) => `      ${line}`),
    `    defaults: ${flowMapping(defaults)}`,
    '    routes:',
    ...[...routes].map(([key, value]) => `      ${JSON.stringify(key)}: ${value}`),
  ]
}
