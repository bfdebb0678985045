/** Why a state file is not used: the message names the file and says what can be done. */
export class StateFileError extends Error {
  override readonly name = 'StateFileError'
  readonly file: string

  constructor(file: string, message: string, cause?: unknown) {
    super(`${file} ${message}`, cause === undefined ? undefined : { cause })
    this.file = file
  }
}
