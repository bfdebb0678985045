import { printable } from '../../cli/printable.ts'
import type { Place } from './place.ts'
import type { Output } from './standard-output.ts'

/**
 * The same place, with the status and the headers of the answer before its body. On a terminal without
 * what could steer it.
 *
 * @spec agent.md R-GET-29
 */
export function withHead(place: Place, stream: Output): Place {
  return {
    ...place,
    write: async (response) => {
      stream.write(
        stream.isTTY === true ? shownHead(response) : `${linesOf(response).join('\r\n')}\r\n\r\n`,
      )
      await place.write(response)
    },
  }
}

function shownHead(response: Response): string {
  return `${linesOf(response).map(printable).join('\n')}\n\n`
}

function linesOf({ status, statusText, headers }: Response): readonly string[] {
  const first = `HTTP/1.1 ${status} ${statusText}`.trimEnd()
  return [first, ...[...headers].map(([name, value]) => `${name}: ${value}`)]
}
