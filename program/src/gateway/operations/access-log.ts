import { L402Error } from 'satway'
import type { GatewayConfig } from '../config/index.ts'
import { LineWriter } from './line-writer.ts'
import { formatJsonLine, formatTextLine } from './log-line.ts'
import type { ExchangeRecord } from './observer.ts'
import { formatTerminalLine } from './terminal-line.ts'

export type AccessLog = {
  write(record: ExchangeRecord): void
  /** Opens the file anew, after logrotate moved it away. */
  reopen(): void
  /** Lines dropped because they could not be written in time. */
  lost(): number
  /** Writes what waits. Resolves after 5 s at the latest. */
  close(): Promise<void>
}

export type AccessLogOptions = {
  /** Told when lines were lost or the file could not be opened again. At most once for each batch. */
  readonly problem: (error: Error) => void
  /** Whether a person watches standard output: then JSON gives way to lines that can be read. */
  readonly isWatched?: boolean
}

/**
 * One line for each exchange, to a file or to standard output. Lines are written within 100 ms, and
 * at the end of the process. A disk that is too slow costs lines, never time or memory.
 *
 * @throws {L402Error} CONFIG_INVALID when the file cannot be opened.
 * @spec gateway.md R-OPS-5 to R-OPS-10
 */
export function createAccessLog(
  config: GatewayConfig['log'],
  options: AccessLogOptions,
): AccessLog {
  if (config.access === 'off') return silent
  const format = formatOf(config, options)
  const writer = openWriter(config.file, options)
  return {
    write: (record) => writer.write(format(record)),
    reopen: () => writer.reopen(),
    lost: () => writer.lost,
    close: () => writer.close(),
  }
}

function formatOf(
  { access, file }: GatewayConfig['log'],
  { isWatched }: AccessLogOptions,
): (record: ExchangeRecord) => string {
  if (isWatched === true && file === undefined) return formatTerminalLine
  return access === 'json' ? formatJsonLine : formatTextLine
}

const silent: AccessLog = {
  write: () => undefined,
  reopen: () => undefined,
  lost: () => 0,
  close: () => Promise.resolve(),
}

function openWriter(file: string | undefined, { problem }: AccessLogOptions): LineWriter {
  try {
    return new LineWriter({ file, problem })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw new L402Error('CONFIG_INVALID', { '1': `log.file: cannot be opened (${code})` }, error)
  }
}
