/** The longest data of one event, in characters. */
const maxDataLength = 1024 * 1024

/** Puts the lines of a `text/event-stream` together to events. What names and numbers them is skipped. */
export class EventReader {
  #data: string[] = []
  #length = 0

  /**
   * @param line - Without its end.
   * @returns the data of the event that this line ends; `undefined` when it ends none.
   * @throws {RangeError} when the data of one event are too long.
   */
  push(line: string): string | undefined {
    if (line === '') return this.#take()
    const colon = line.indexOf(':')
    const name = colon === -1 ? line : line.slice(0, colon)
    if (name !== 'data') return undefined
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    this.#length += value.length + 1
    if (this.#length > maxDataLength) throw new RangeError('an event is too long')
    this.#data.push(value)
    return undefined
  }

  #take(): string | undefined {
    const data = this.#data
    this.#data = []
    this.#length = 0
    return data.length === 0 ? undefined : data.join('\n')
  }
}
