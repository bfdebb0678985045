import { readHeader } from '../header-rules.ts'
import type { Noting } from './notes.ts'
import { mappingOf, objection, textOf } from './values.ts'
import { scalar } from './yaml-text.ts'

/**
 * Translates the headers for the backend. A file that Aperture encodes is referred to as an encoded
 * file: nothing secret is read here, or written.
 *
 * @returns Lines of YAML.
 */
export function translateHeaders(value: unknown, note: Noting): readonly string[] {
  return Object.entries(mappingOf(value)).flatMap(([name, given]) => {
    const text = textOf(given)
    const member = `headers.${name.slice(0, 64)}`
    if (text === undefined) {
      note('left-out', member, 'is no text')
      return []
    }
    const unnameable = objection(() => readHeader(name, 'x'))
    if (unnameable !== undefined) {
      note('left-out', member, `cannot be set here: ${unnameable}`)
      return []
    }
    const encoded = /^!file\+(hex|base64):(.+)$/.exec(text)
    if (encoded !== null) {
      const [, encoding = '', file = ''] = encoded
      note('fill-in', member, makeFile(file, encoding))
      return [`${scalar(name)}: ${scalar(`file:${file}.${encoding}`)}`]
    }
    if (text.startsWith('file:')) {
      note(
        'fill-in',
        member,
        'begins with file:, which is a reference here; write it into a file of its own',
      )
      return []
    }
    const unsayable = text.includes('${') ? undefined : objection(() => readHeader(name, text))
    if (unsayable !== undefined) {
      note('left-out', member, `cannot be set here: ${unsayable}`)
      return []
    }
    if (/\$\{(?![A-Za-z_]\w*\})/.test(text)) {
      note('fill-in', member, 'has a ${ that names no variable; write it as it is meant')
      return []
    }
    if (text.includes('${')) note('carried', member, 'with what the environment says')
    else if (text.length >= 16) {
      note(
        'changed',
        member,
        'was copied as it is; a secret is better kept in a variable or a file',
      )
    } else note('carried', member, 'as it is')
    return [`${scalar(name)}: ${scalar(text)}`]
  })
}

function makeFile(file: string, encoding: string): string {
  const plain = `'${file.replaceAll("'", "'\\''")}'`
  const target = `'${`${file}.${encoding}`.replaceAll("'", "'\\''")}'`
  const command =
    encoding === 'hex'
      ? `od -An -v -tx1 ${plain} | tr -d ' \\n'`
      : `base64 < ${plain} | tr -d '\\n'`
  return `files are read as they are here: write the encoded one beside it: (umask 077; ${command} > ${target})`
}
