import type { Socket } from 'node:net'

/**
 * Reads the first bytes of a connection until they tell enough, and puts back what was not taken.
 * The socket is paused then: whoever gets it reads on.
 *
 * @param timeoutMs - After this the connection is destroyed, and so it is when it ends early.
 * @param take - Given all bytes so far: how many of them to take away, or `undefined` for more.
 *   Must be able to tell within a few KiB.
 * @param then - Called at most once, after `take` gave a number, unless it destroyed the socket.
 */
export function readFirstBytes(
  socket: Socket,
  timeoutMs: number,
  take: (bytes: Buffer) => number | undefined,
  then: () => void,
): void {
  let bytes: Buffer | undefined
  const giveUp = (): void => {
    socket.destroy()
  }
  const timer = setTimeout(giveUp, timeoutMs)
  const stop = (): void => {
    clearTimeout(timer)
    socket.off('data', onData).off('end', giveUp).off('close', stop)
  }
  const onData = (chunk: Buffer): void => {
    bytes = bytes === undefined ? chunk : Buffer.concat([bytes, chunk])
    const taken = take(bytes)
    if (taken === undefined || socket.destroyed) return
    stop()
    socket.pause()
    if (taken < bytes.length) socket.unshift(bytes.subarray(taken))
    then()
  }
  socket.on('data', onData).on('end', giveUp).on('close', stop)
  // Paused by an earlier reading, it would stay so.
  socket.resume()
}
