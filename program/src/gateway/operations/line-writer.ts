import { closeSync, openSync, write, writeSync } from 'node:fs'

export type LineWriterOptions = {
  /** Appended to; made with 0640. `undefined`: standard output. */
  readonly file: string | undefined
  /** Told when lines were lost, or a file could not be opened again. */
  readonly problem: (error: Error) => void
}

const flushMs = 100
const flushLength = 64 * 1024
/** What may wait while a write is under way, in characters. What comes on top of it is lost. */
const maxWaiting = 8 * 1024 * 1024
/** Linux writes this much to a pipe in one piece, whatever other processes write to it. */
const pipeBytes = 4096
const busyRetryMs = 10
/** How long closing waits for a disk that does not answer. */
const closeMs = 5000

/**
 * Writes lines in batches, in order, without ever making its caller wait: not for a slow disk, and
 * not for a reader of standard output that does not read. One write is under way at a time.
 */
export class LineWriter {
  #options: LineWriterOptions
  #fd: number
  #waiting = ''
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #isMidLine = false
  #lost = 0
  #isDropping = false
  #isClosed = false
  /** Whoever ends the process without closing loses nothing that was written. */
  #atExit = (): void => this.#flushNow()

  /** @throws {Error} of the file system when the file cannot be opened. */
  constructor(options: LineWriterOptions) {
    this.#options = options
    this.#fd = options.file === undefined ? 1 : openSync(options.file, 'a', 0o640)
    process.on('exit', this.#atExit)
  }

  /** Lines that were dropped since the start. */
  get lost(): number {
    return this.#lost
  }

  /** @param line - Without line end. */
  write(line: string): void {
    if (this.#isClosed || this.#waiting.length + line.length > maxWaiting) {
      this.#drop()
      return
    }
    this.#waiting += `${line}\n`
    if (this.#writing !== undefined) return
    if (this.#waiting.length >= flushLength) this.#startWriting()
    // It must not keep a process running that has nothing else to do; `exit` flushes.
    else this.#timer ??= setTimeout(() => this.#startWriting(), flushMs).unref()
  }

  /** Opens the file anew, after it was moved away. When that fails the old one goes on. */
  reopen(): void {
    if (this.#options.file === undefined || this.#isClosed) return
    const old = this.#fd
    try {
      this.#fd = openSync(this.#options.file, 'a', 0o640)
    } catch (error) {
      this.#options.problem(asError(error))
      return
    }
    this.#isMidLine = false
    // A write that is under way still has the old number.
    void (this.#writing ?? Promise.resolve()).then(() => closeSync(old))
  }

  /** Writes what waits, then closes. Resolves after 5 s at the latest. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    let timer: NodeJS.Timeout | undefined
    const tooLong = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, closeMs)
    })
    await Promise.race([this.#finish(), tooLong])
    clearTimeout(timer)
    process.off('exit', this.#atExit)
  }

  #drop(): void {
    this.#lost++
    if (this.#isDropping) return
    this.#isDropping = true
    this.#options.problem(new Error('lines were dropped: they cannot be written in time'))
  }

  async #finish(): Promise<void> {
    await this.#writing
    if (this.#waiting !== '') this.#startWriting()
    await this.#writing
    if (this.#options.file !== undefined) closeSync(this.#fd)
  }

  #startWriting(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#writing !== undefined || this.#waiting === '') return
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = undefined
      if (this.#waiting !== '' && !this.#isClosed) this.#startWriting()
    })
  }

  async #writeAll(): Promise<void> {
    const text = this.#take()
    const fd = this.#fd
    const bytes = Buffer.from(text)
    let at = 0
    try {
      while (at < bytes.length) at += await writePart(fd, bytes, at, this.#partEnd(bytes, at))
      this.#isMidLine = false
      this.#isDropping = false
    } catch (error) {
      this.#lost += countLines(bytes, at)
      // Of the same file: a new one starts with a line.
      if (fd === this.#fd && at > 0) this.#isMidLine = bytes[at - 1] !== newline
      this.#options.problem(asError(error))
    }
  }

  #flushNow(): void {
    if (this.#waiting === '') return
    const bytes = Buffer.from(this.#take())
    try {
      let at = 0
      while (at < bytes.length) at += writeSync(this.#fd, bytes, at)
    } catch {
      // The process ends: there is nobody left to be told.
    }
  }

  #take(): string {
    const text = this.#isMidLine ? `\n${this.#waiting}` : this.#waiting
    this.#waiting = ''
    return text
  }

  /** Several processes may share standard output: whole lines, in pieces that no other can enter. */
  #partEnd(bytes: Buffer, at: number): number {
    if (this.#options.file !== undefined || bytes.length - at <= pipeBytes) return bytes.length
    const end = bytes.lastIndexOf(newline, at + pipeBytes - 1) + 1
    return end > at ? end : bytes.indexOf(newline, at) + 1
  }
}

const newline = 0x0a

function writePart(fd: number, bytes: Buffer, at: number, end: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const attempt = (): void => {
      write(fd, bytes, at, end - at, null, (error, written) => {
        if (error === null) resolve(written)
        // Standard output may be a pipe that does not block, and is full.
        else if (error.code === 'EAGAIN') setTimeout(attempt, busyRetryMs).unref()
        else reject(error)
      })
    }
    attempt()
  })
}

function countLines(bytes: Buffer, from: number): number {
  let lines = 0
  for (let at = from; at < bytes.length; at++) if (bytes[at] === newline) lines++
  return lines
}

function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error('unknown')
}
